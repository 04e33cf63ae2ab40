import { expect } from "chai";
import { X509Certificate, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { DialRules } from "../../src/net/dialRules.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { encodeClientHello } from "../../src/sal/handshake/messages.ts";
import { createCertificate } from "../../src/sal/transport/certificate.ts";
import { parseServerName, serverNameOf } from "../../src/sal/transport/serverName.ts";
import { ALPN, TlsTransport } from "../../src/sal/transport/tlsTransport.ts";
import { encodeFrame } from "../../src/sal/wire/encode.ts";
import { FrameType } from "../../src/sal/wire/frames.ts";
import { rejection } from "../support/rejection.ts";
import { until } from "../support/until.ts";
import { pattern } from "./rig/random.ts";
import { collect, ECHO, SERVICE } from "./rig/salRig.ts";
import { TlsRig } from "./rig/tlsRig.ts";

const HELLO = encodeFrame(
  FrameType.hello,
  0,
  encodeClientHello({ nonce: randomBytes(32), versions: [1] }),
);

describe("the SAL over TLS", () => {
  let rig: TlsRig;

  beforeEach(async () => {
    rig = new TlsRig({ limits: { maxHandshakesPerPeer: 8 } });
    await rig.start();
  });
  afterEach(async () => {
    await rig.stop();
  });

  /** The first bytes of the provider; none if it closes the connection. */
  async function answer(socket: TLSSocket): Promise<Buffer | undefined> {
    socket.write(HELLO);
    return new Promise((resolve) => {
      socket.once("data", resolve);
      socket.once("close", () => {
        resolve(undefined);
      });
    });
  }

  it("carries a flow, and the same over another connection after a reset", async () => {
    const flow = await rig.client.connect("weather", ECHO);
    const sent = pattern(1, 4_000_000);
    const got = collect(flow);
    flow.end(sent);
    await until("half of it is there", () => flow.bytesRead > 2_000_000, 1);
    rig.cut();
    expect((await got).equals(sent)).to.equal(true);
    expect(rig.provider.sessions).to.equal(1);
  });

  it("has one port with HTTP/1.1", async () => {
    const socket = await rig.connect();
    socket.end("GET / HTTP/1.1\r\n\r\n");
    const [chunk] = (await once(socket, "data")) as [Buffer];
    expect(chunk.toString()).to.match(/^HTTP\/1\.1 204/);
  });

  it("greets a client that speaks as it should", async () => {
    const socket = rig.dial();
    expect((await answer(socket))?.[0]).to.equal(FrameType.hello);
    expect(socket.getProtocol()).to.equal("TLSv1.3");
    socket.destroy();
  });

  for (const [what, options] of Object.entries({
    "TLS 1.2": { maxVersion: "TLSv1.2" as const },
    "another protocol": { ALPNProtocols: ["h2"] },
    "no protocol": { ALPNProtocols: [] },
    "a foreign name": { servername: "example.org" },
    "the name of another service": { servername: serverNameOf(rootServiceId(8n)) },
    "a name of the zone that is no ID": { servername: "weather.bloc.alt" },
    "no name": { servername: "" },
    "a label that is no instance": { servername: `zz.${serverNameOf(SERVICE)}` },
    "two labels": { servername: `${"0".repeat(16)}.${serverNameOf(SERVICE, "0".repeat(16))}` },
    "a label that is too long": { servername: `${"0".repeat(17)}.${serverNameOf(SERVICE)}` },
  })) {
    it(`refuses ${what} without a word`, async () => {
      expect(await answer(rig.dial(options))).to.equal(undefined);
      expect(rig.provider.sessions).to.equal(0);
    });
  }

  it("names its own instance to a client that asks for another one", async () => {
    const socket = rig.dial({ servername: serverNameOf(SERVICE, "0123456789abcdef") });
    const hello = await answer(socket);
    const { instance } = rig.provider;
    expect(
      hello?.subarray(4 + 1 + 16, 4 + 1 + 16 + 8).equals(instance),
      hello?.toString("hex"),
    ).to.equal(true);
    socket.destroy();
  });

  it("accepts no ticket, and so lets nobody connect two visits", async () => {
    const first = rig.dial();
    const tickets: Buffer[] = [];
    first.on("session", (ticket: Buffer) => tickets.push(ticket));
    await answer(first);
    first.destroy();
    // OpenSSL's server sends tickets in any case; none of them may be of use.
    for (const session of tickets) {
      const second = rig.dial({ session });
      expect((await answer(second))?.[0]).to.equal(FrameType.hello);
      expect(second.isSessionReused()).to.equal(false);
      second.destroy();
    }
  });

  it("the client offers no session when it dials again, though the server would take it", async () => {
    const reused: boolean[] = [];
    const server = createTlsServer(
      { ...createCertificate(Date.now()), ALPNProtocols: [ALPN] },
      (socket) => {
        reused.push(socket.isSessionReused());
        socket.on("error", () => {}).end("ticket");
      },
    ).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const transport = new TlsTransport(new DialRules({ allowLoopback: true }));
    const { signal } = new AbortController();
    const target = { host: "127.0.0.1", port, serverName: serverNameOf(SERVICE) };
    for (let count = 0; count < 3; count++) {
      const link = await transport.dial(target, signal);
      await new Promise<void>((resolve) => {
        link.handler = {
          data: () => {},
          drained: () => {},
          closed: () => {
            resolve();
          },
        };
      });
    }
    server.close();
    expect(reused).to.deep.equal([false, false, false]);
  });

  it("closes connections that say nothing, or half of a greeting, when their time is over", async () => {
    const silent = await rig.connect();
    const half = await rig.connect();
    half.write(Buffer.from("160301020001000", "hex"));
    const secured = rig.dial();
    await once(secured, "secureConnect");
    secured.write(HELLO.subarray(0, 10));
    const closed = [silent, half, secured].map((socket) => {
      socket.resume();
      return once(socket, "close");
    });
    await until("all of them wait", () => rig.handshakeClock.waiting === 3);
    await rig.handshakeClock.advance(10_000);
    for (const socket of [silent, half]) socket.end();
    await Promise.all(closed);
    expect(rig.handshakeClock.waiting).to.equal(0);
  });

  it("bounds the connections of one peer that have not said who they are", async () => {
    const silent = await Promise.all(Array.from({ length: 8 }, () => rig.connect()));
    await until("all of them wait", () => rig.handshakeClock.waiting === 8);
    const ninth = await rig.connect();
    ninth.resume();
    await once(ninth, "end");
    for (const socket of silent) socket.destroy();
    await until("their places are free", () => rig.handshakeClock.waiting === 0);
    expect((await answer(rig.dial()))?.[0]).to.equal(FrameType.hello);
  });

  it("an endpoint that speaks something else is no path", async () => {
    rig.locator.publish({ endpoints: [`sal://127.0.0.1:1`] });
    const failure = await rejection("SAL_NO_PATH", rig.client.connect("weather", ECHO));
    expect(failure.message).not.to.match(/\n/);
  });
});

describe("names and certificates", () => {
  it("a certificate is self-signed, of P-256, and valid now", () => {
    const now = Date.now();
    const { cert, key } = createCertificate(now);
    const read = new X509Certificate(cert);
    expect(read.verify(read.publicKey)).to.equal(true);
    expect(read.publicKey.asymmetricKeyDetails?.namedCurve).to.equal("prime256v1");
    expect(read.validFromDate.getTime()).to.be.below(now);
    expect(read.validToDate.getTime()).to.be.above(now);
    expect(read.subject).to.equal("CN=blockcloud");
    expect(createCertificate(now).key).not.to.equal(key);
    expect(new X509Certificate(createCertificate(now).cert).serialNumber).not.to.equal(
      read.serialNumber,
    );
  });

  it("a server name means a service, and an instance of it", () => {
    const name = serverNameOf(SERVICE);
    expect(name).to.match(/^[a-z2-7]{52}\.id\.bloc\.alt$/);
    expect(parseServerName(name)).to.deep.equal({ serviceId: SERVICE, instance: undefined });
    const instance = "00112233aabbccdd";
    expect(parseServerName(serverNameOf(SERVICE, instance))).to.deep.equal({
      serviceId: SERVICE,
      instance,
    });
    for (const other of [
      "",
      "x",
      `${name}.`,
      ` ${name}`,
      `${name}\n`,
      name.toUpperCase(),
      `zz.${name}`,
      `${instance}.${instance}.${name}`,
      name.replace(".alt", ".internal"),
      name.slice(1),
      `a${name}`,
      `${"7".repeat(52)}.id.bloc.alt`,
    ]) {
      expect(parseServerName(other), other).to.equal(undefined);
    }
  });
});
