import { expect } from "chai";
import { once } from "node:events";
import { connect } from "node:net";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { serverNameOf } from "../../src/sal/transport/serverName.ts";
import { ALPN } from "../../src/sal/transport/tlsTransport.ts";
import { until } from "../support/until.ts";
import { spared } from "./rig.ts";
import { clientHello, PROTOCOL, rest, UNKNOWN, VisitorRig } from "./visitorRig.ts";

/** The number of a fatal TLS alert. */
function alertOf(bytes: Buffer): number {
  expect(bytes.subarray(0, 6).toString("hex")).to.equal("150303000202");
  return bytes[6] ?? 0;
}

describe("visitors of a relay, by what they begin with,", () => {
  let rig: VisitorRig;

  beforeEach(async () => {
    rig = await VisitorRig.start();
  });
  afterEach(() => rig.stop());

  for (const [what, options, code] of [
    ["no reservation", {}, UNKNOWN],
    ["no name", { servername: "" }, UNKNOWN],
    ["a name that is no service's", { servername: "example.org" }, UNKNOWN],
    ["another service", { servername: serverNameOf(rootServiceId(8n)) }, UNKNOWN],
    ["another protocol", { ALPNProtocols: ["h2"] }, PROTOCOL],
    ["no protocol", { ALPNProtocols: [] }, PROTOCOL],
  ] as const) {
    it(`are told in TLS's words if there is ${what}`, async () => {
      if (what !== "no reservation") await rig.behind();
      const own = "ALPNProtocols" in options ? [...options.ALPNProtocols] : [ALPN];
      const refusal = await rig.refusal(rig.dial({ ...options, ALPNProtocols: own }));
      expect(refusal).to.equal(code);
      expect(rig.relay.visitors).to.equal(0);
    });
  }

  it("are led though their ClientHello comes byte by byte, or in many records", async () => {
    const provider = await rig.behind();
    await spared(rig);
    const hello = await clientHello();
    const records = Buffer.concat(
      Array.from({ length: Math.ceil((hello.length - 5) / 100) }, (_, part) => {
        const bytes = hello.subarray(5 + part * 100, 5 + (part + 1) * 100);
        return Buffer.concat([Buffer.of(22, 3, 1, bytes.length >> 8, bytes.length), bytes]);
      }),
    );
    for (const [bytes, size] of [
      [hello, 1],
      [records, 37],
    ] as const) {
      const socket = await rig.connect();
      socket.setNoDelay(true);
      for (let at = 0; at < bytes.length; at += size) socket.write(bytes.subarray(at, at + size));
      const [answer] = (await once(socket, "data")) as [Buffer];
      expect(answer[0], "a ServerHello").to.equal(22);
      socket.destroy();
    }
    expect(provider.visitors).to.have.lengthOf(2);
  });

  it("are refused if what they begin with is no ClientHello, or too long", async () => {
    await rig.behind();
    const long = Buffer.alloc(20_000, 1);
    Buffer.of(22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc).copy(long);
    for (const bytes of [
      Buffer.of(22, 3, 1, 0, 4, 2, 0, 0, 0),
      Buffer.of(22, 3, 1, 0, 0),
      Buffer.of(22, 3, 1, 0, 10, 1, 0, 0, 6, 3, 3, 0, 0, 0, 0),
      Buffer.of(22, 3, 1, 0, 4, 1, 0, 0xff, 0xff),
    ]) {
      const socket = await rig.connect();
      socket.write(bytes);
      expect(alertOf(await rest(socket))).to.equal(120);
    }
    const talker = await rig.connect();
    talker.write(long);
    // Its own bytes may reset the connection before it reads the alert.
    await once(talker.resume(), "close");
    const stranger = await rig.connect();
    stranger.write("GET / HTTP/1.1\r\n\r\n");
    expect(await rest(stranger)).to.have.lengthOf(0);
  });

  it("that say half of a ClientHello, or nothing, are closed when their time is over", async () => {
    const hello = await clientHello();
    const half = await rig.connect();
    half.write(hello.subarray(0, 700));
    const mute = await rig.connect();
    await until("both wait", () => rig.relay.waiting === 2, 1);
    const closed = Promise.all([once(half.resume(), "close"), once(mute.resume(), "close")]);
    await rig.clock.advance(10_000);
    await closed;
    await until("nothing waits", () => rig.relay.waiting === 0, 1);
  });

  it("of one address that flood with handshakes keep nobody else away", async () => {
    const provider = await rig.behind();
    // The provider has the flood's address here, and could not connect during it.
    await spared(rig);
    const flood = await Promise.all(Array.from({ length: 8 }, () => rig.connect()));
    await until("all of them wait", () => rig.relay.waiting === 8, 1);
    const ninth = connect(rig.address).on("error", () => {});
    await once(ninth.resume(), "close");
    const other = connect({ ...rig.address, localAddress: "127.0.1.1" });
    other.write(await clientHello());
    const [answer] = (await once(other, "data")) as [Buffer];
    expect(answer[0]).to.equal(22);
    expect(provider.visitors[0]?.address).to.equal("_relay1-127.0.1.1");
    other.destroy();
    for (const each of flood) each.destroy();
  });
});
