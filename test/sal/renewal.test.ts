import { expect } from "chai";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { DialRules } from "../../src/net/dialRules.ts";
import { Renewal } from "../../src/sal/client/renewal.ts";
import { createCertificate } from "../../src/sal/transport/certificate.ts";
import type { Link } from "../../src/sal/transport/link.ts";
import { serverNameOf } from "../../src/sal/transport/serverName.ts";
import { TlsAcceptor, TlsTransport } from "../../src/sal/transport/tlsTransport.ts";
import type { Flow } from "../../src/sal/session/flow.ts";
import { pattern } from "./rig/random.ts";
import { collect, ECHO, echo, SalRig, SERVICE } from "./rig/salRig.ts";

/** Ports of a service that only sends, and of one that only reads. */
const SOURCE = 8;
const SINK = 9;
const BYTES = 4_000_000;
const APPLICATION_DATA = 23;
/** Most records of a handshake that look like those of data, and have other keys. */
const HANDSHAKE_RECORDS = 8;

describe("a session whose links may carry few records", () => {
  let rig: SalRig;
  let taken: Promise<Buffer> | undefined;

  beforeEach(() => {
    const ports = {
      [ECHO]: echo,
      [SOURCE]: (flow: Flow) => {
        flow.end(pattern(1, BYTES));
        return Promise.resolve();
      },
      [SINK]: (flow: Flow) => {
        taken = collect(flow);
        flow.end();
        return Promise.resolve();
      },
    };
    rig = new SalRig({ ports, maxRecords: 24 });
  });
  afterEach(() => {
    rig.stop();
  });

  function expectRenewals(): void {
    // 4 MB are 245 records at least.
    expect(rig.moves.length).to.be.at.least(3);
    expect(new Set(rig.moves.map(({ reason }) => reason))).to.deep.equal(new Set(["renewal"]));
    for (const { near } of rig.net.dialled) expect(near.records).to.be.below(BYTES / 16_384 / 2);
  }

  it("a long download goes on over fresh links, without a lost byte", async () => {
    const flow = await rig.open(SOURCE);
    const got = await rig.clock.play(collect(flow));
    expect(got.equals(pattern(1, BYTES))).to.equal(true);
    flow.end();
    expectRenewals();
  });

  it("a long upload does, too", async () => {
    const flow = await rig.open(SINK);
    flow.resume();
    flow.end(pattern(2, BYTES));
    const got = await rig.clock.play(taken ?? Promise.reject(new Error("never opened")));
    expect(got.equals(pattern(2, BYTES))).to.equal(true);
    expectRenewals();
  });
});

describe("the age of a link", () => {
  const linkWith = (records: number) => ({ records }) as Link;

  it("is reached at 2^24 records, in the default", () => {
    const renewal = new Renewal();
    const link = { records: 2 ** 24 - 1 };
    expect(renewal.isDue(link as Link)).to.equal(false);
    link.records += 1;
    expect(renewal.isDue(link as Link)).to.equal(true);
    expect(renewal.isDue(link as Link)).to.equal(false);
  });

  it("asks again after a while if no other link was found, and begins anew with another", () => {
    const renewal = new Renewal(640);
    const link = { records: 640 };
    expect(renewal.isDue(link as Link)).to.equal(true);
    link.records = 649;
    expect(renewal.isDue(link as Link)).to.equal(false);
    link.records = 650;
    expect(renewal.isDue(link as Link)).to.equal(true);
    expect(renewal.isDue(linkWith(639))).to.equal(false);
  });
});

describe("the records of a TLS link", () => {
  const servers: Server[] = [];
  const sockets: Socket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const server of servers.splice(0)) server.close();
  });

  async function listening(accept: (socket: Socket) => void): Promise<number> {
    const server = createServer((socket) => {
      sockets.push(socket.on("error", () => {}));
      accept(socket);
    }).listen(0, "127.0.0.1");
    servers.push(server);
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  /** Records of data in what a side of the connection has sent (RFC 8446, 5.1). */
  function recordsIn(wire: Buffer): number {
    let count = 0;
    for (let at = 0; at < wire.length; at += 5 + wire.readUInt16BE(at + 3)) {
      if (wire[at] === APPLICATION_DATA) count += 1;
    }
    return count;
  }

  for (const direction of ["sent", "received"] as const) {
    it(`are counted by the end that has ${direction} them, and none is missed`, async () => {
      const tls = new TlsAcceptor(createCertificate(Date.now()));
      const accepted = Promise.withResolvers<Link>();
      const port = await listening((socket) => {
        tls.accept(socket, new AbortController().signal).then(({ link }) => {
          accepted.resolve(link);
        }, accepted.reject);
      });
      const wire: Record<"sent" | "received", Buffer[]> = { sent: [], received: [] };
      const relay = await listening((socket) => {
        const far = connect(port, "127.0.0.1").on("error", () => {});
        sockets.push(far);
        socket.on("data", (chunk) => wire.sent.push(chunk)).pipe(far);
        far.on("data", (chunk) => wire.received.push(chunk)).pipe(socket);
      });
      const transport = new TlsTransport(new DialRules({ allowLoopback: true }));
      const target = { host: "127.0.0.1", port: relay, serverName: serverNameOf(SERVICE) };
      const near = await transport.dial(target, new AbortController().signal);
      const far = await accepted.promise;
      const [from, to] = direction === "sent" ? [near, far] : [far, near];
      let got = 0;
      const all = Promise.withResolvers<undefined>();
      const lengths = Array.from({ length: 600 }, (_, index) => 1 + ((index * 7919) % 65_536));
      const total = lengths.reduce((sum, length) => sum + length, 0);
      const ignore = { drained: () => {}, closed: () => {} };
      from.handler = { data: () => {}, ...ignore };
      to.handler = {
        data: (chunk) => {
          got += chunk.length;
          if (got === total) all.resolve(undefined);
        },
        ...ignore,
      };
      for (const [index, length] of lengths.entries()) {
        from.write(pattern(index, length));
        // Some wait together, others go alone.
        if (index % 5 === 0) await turn();
      }
      await all.promise;
      const counted = recordsIn(Buffer.concat(wire[direction]));
      expect(counted).to.be.above(1_000);
      expect(near.records).to.be.at.least(counted - HANDSHAKE_RECORDS);
      expect(near.records).to.be.at.most(counted + lengths.length);
    });
  }
});
