import { expect } from "chai";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { CARRIER_PING, readCarrier } from "../../src/sal/relay/carrier.ts";
import { RelayFrame } from "../../src/sal/relay/frames.ts";
import { serverNameOf } from "../../src/sal/transport/serverName.ts";
import { ALPN } from "../../src/sal/transport/tlsTransport.ts";
import { pattern } from "../sal/rig/random.ts";
import { collect, ECHO, SERVICE } from "../sal/rig/salRig.ts";
import { until } from "../support/until.ts";
import { RawProvider } from "./rawProvider.ts";
import { BehindRelays, createClient, RelayRig, spared } from "./rig.ts";

const UNKNOWN = "ERR_SSL_TLSV1_UNRECOGNIZED_NAME";
const SILENT = "ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR";
const QUOTA = "ERR_SSL_TLSV1_ALERT_ACCESS_DENIED";
const PROTOCOL = "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL";

/** The ClientHello of a client of the SAL. */
async function clientHello(): Promise<Buffer> {
  const server = (await import("node:net")).createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const client = connectTls({
    ...{ host: "127.0.0.1", port, rejectUnauthorized: false, ALPNProtocols: [ALPN] },
    servername: serverNameOf(SERVICE),
  });
  client.on("error", () => {});
  const [socket] = (await once(server, "connection")) as [Socket];
  const [hello] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}

/** All that a socket gives until it is closed. */
async function rest(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
  });
  await once(socket, "close");
  return Buffer.concat(chunks);
}

/** The number of a fatal TLS alert. */
function alertOf(bytes: Buffer): number {
  expect(bytes.subarray(0, 6).toString("hex")).to.equal("150303000202");
  return bytes[6] ?? 0;
}

describe("visitors of a relay", () => {
  let rig: RelayRig;
  const ending: (() => void)[] = [];

  beforeEach(async () => {
    rig = new RelayRig({ maxHandshakesPerPeer: 8 });
    await rig.relay.start();
  });
  afterEach(async () => {
    for (const end of ending.splice(0)) end();
    await rig.relay.stop();
  });

  async function behind(options?: ConstructorParameters<typeof BehindRelays>[1]) {
    const provider = new BehindRelays([rig.address], options);
    ending.push(() => {
      provider.stop();
    });
    await provider.start();
    return provider;
  }

  async function raw(): Promise<RawProvider> {
    const provider = await RawProvider.dial(rig.address);
    ending.push(() => {
      provider.close();
    });
    expect(await provider.reserve()).to.equal("reserved");
    return provider;
  }

  /** A flow through the relay that says hello and gets it back. */
  async function greets(endpoints: readonly string[]): Promise<void> {
    const { client, locator } = createClient();
    ending.push(() => {
      client.close();
    });
    locator.publish({ endpoints });
    const flow = await client.connect("weather", ECHO);
    const got = collect(flow);
    flow.end("hello");
    expect((await got).toString()).to.equal("hello");
  }

  for (const [what, options, code] of [
    ["no reservation", {}, UNKNOWN],
    ["no name", { servername: "" }, UNKNOWN],
    ["a name that is no service's", { servername: "example.org" }, UNKNOWN],
    ["another service", { servername: serverNameOf(rootServiceId(8n)) }, UNKNOWN],
    ["another protocol", { ALPNProtocols: ["h2"] }, PROTOCOL],
    ["no protocol", { ALPNProtocols: [] }, PROTOCOL],
  ] as const) {
    it(`are told in TLS's words if there is ${what}`, async () => {
      if (what !== "no reservation") await behind();
      const own = "ALPNProtocols" in options ? [...options.ALPNProtocols] : [ALPN];
      const refusal = await rig.refusal(rig.dial({ ...options, ALPNProtocols: own }));
      expect(refusal).to.equal(code);
      expect(rig.relay.visitors).to.equal(0);
    });
  }

  it("are led though their ClientHello comes byte by byte, or in many records", async () => {
    const provider = await behind();
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
    await behind();
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
    const provider = await behind();
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

  it("get the same first bytes over another connection when one gives nothing", async () => {
    const provider = await raw();
    const tokens = [await provider.token(), await provider.token()] as const;
    const first = await provider.carry(tokens[0]);
    await until("one waits", () => rig.relay.spares === 1, 1);
    const second = await provider.carry(tokens[1]);
    await until("both wait", () => rig.relay.spares === 2, 1);
    const hello = await clientHello();
    const visitor = await rig.connect();
    visitor.write(hello);
    const [one] = (await once(first, "data")) as [Buffer];
    const again = once(second, "data");
    await rig.clock.advance(200);
    const [two] = (await again) as [Buffer];
    expect(readCarrier(one, tokens[0], provider.key).rest.equals(hello)).to.equal(true);
    expect(readCarrier(two, tokens[1], provider.key).rest.equals(hello)).to.equal(true);
    second.write("answer");
    const closed = once(first.resume(), "close");
    const [answer] = (await once(visitor, "data")) as [Buffer];
    expect(answer.toString()).to.equal("answer");
    await closed;
    visitor.destroy();
  });

  it("are told when the provider is silent", async () => {
    const provider = await raw();
    await provider.token();
    const dialled = rig.dial();
    const refusal = rig.refusal(dialled);
    await until("it waits for the provider", () => rig.relay.visitors === 1, 1);
    await rig.clock.advance(10_000);
    expect(await refusal).to.equal(SILENT);
    await until("it has left", () => rig.relay.visitors === 0, 1);
  });

  it("that wait are led to the process that takes their provider's place", async () => {
    const next = new BehindRelays([rig.address]);
    ending.push(() => {
      next.stop();
    });
    const old = await RawProvider.dial(rig.address);
    ending.push(() => {
      old.close();
    });
    expect(await old.reserve({ instance: next.provider.instance })).to.equal("reserved");
    const visitor = rig.dial();
    const outcome = Promise.race([
      once(visitor, "secureConnect").then(() => "led"),
      rig.refusal(visitor),
    ]);
    await until("the visitor waits", () => rig.relay.visitors === 1, 1);
    await next.start();
    expect(await outcome).to.equal("led");
    visitor.destroy();
  });

  it("whose connection ends with the old process are led to the next one, too", async () => {
    const next = new BehindRelays([rig.address]);
    ending.push(() => {
      next.stop();
    });
    const old = await RawProvider.dial(rig.address);
    ending.push(() => {
      old.close();
    });
    expect(await old.reserve({ instance: next.provider.instance })).to.equal("reserved");
    const carrier = await old.carry(await old.token());
    await spared(rig, 1);
    const visitor = rig.dial();
    const outcome = Promise.race([
      once(visitor, "secureConnect").then(() => "led"),
      rig.refusal(visitor),
    ]);
    await once(carrier, "data");
    await next.start();
    carrier.destroy();
    expect(await outcome).to.equal("led");
    visitor.destroy();
  });

  it("whose connection ends when no process is left are told so at once", async () => {
    const provider = await raw();
    const carrier = await provider.carry(await provider.token());
    await spared(rig, 1);
    const refusal = rig.refusal(rig.dial());
    await once(carrier, "data");
    provider.close();
    await until("the reservation is over", () => rig.relay.reservations === 0, 1);
    carrier.destroy();
    expect(await refusal).to.equal(UNKNOWN);
  });

  it("are told when the provider takes no more, and do not press it", async () => {
    const provider = await raw();
    const dialled = rig.dial();
    const refusal = rig.refusal(dialled);
    await until("it waits for the provider", () => rig.relay.visitors === 1, 1);
    provider.control.send(RelayFrame.decline, await provider.token());
    expect(await refusal).to.equal(QUOTA);
    const asked = provider.tokens.length;
    provider.control.send(RelayFrame.decline, await provider.token());
    await rig.clock.advance(500);
    expect(provider.tokens.length, "no new token").to.be.below(asked + 1);
  });

  it("that leave before the provider has answered are forgotten", async () => {
    const provider = await raw();
    const socket = rig.dial();
    await until("it waits for the provider", () => rig.relay.visitors === 1, 1);
    socket.destroy();
    await until("it has left", () => rig.relay.visitors === 0, 1);
    expect(rig.relay.waiting).to.equal(0);
    // Its connection waits for the next one.
    await provider.carry(await provider.token());
    await until("it waits", () => rig.relay.spares === 1, 1);
  });

  it("are bounded for one address, and told so", async () => {
    const narrow = new RelayRig({ maxVisitorsPerPeer: 1 });
    await narrow.relay.start();
    const provider = new BehindRelays([narrow.address]);
    await provider.start();
    const { client, locator } = createClient();
    locator.publish({ endpoints: provider.endpoints });
    const flow = await client.connect("weather", ECHO);
    flow.on("error", () => {});
    expect(await narrow.refusal(narrow.dial())).to.equal(QUOTA);
    client.close();
    provider.stop();
    await narrow.relay.stop();
  });

  describe("and connections of providers", () => {
    it("with a token that nobody knows, that was used, or that is late lead nowhere", async () => {
      const provider = await raw();
      await provider.refused(Buffer.alloc(16, 3));
      const token = await provider.token();
      await provider.carry(token);
      await until("it waits", () => rig.relay.spares === 1, 1);
      await provider.refused(token);
      const late = await provider.token();
      await rig.clock.advance(10_000);
      await provider.refused(late);
      expect(rig.relay.spares).to.equal(1);
    });

    it("that do not answer a ping are dropped, and asked for anew", async () => {
      const provider = await raw();
      const dead = await provider.carry(await provider.token());
      const alive = await provider.carry(await provider.token());
      alive.on("data", (chunk: Buffer) => {
        alive.write(Buffer.alloc(chunk.length, CARRIER_PING));
      });
      await until("both wait", () => rig.relay.spares === 2, 1);
      const closed = once(dead.resume(), "close");
      // The provider itself would be silent for too long otherwise.
      for (let at = 0; at < 45; at += 3) {
        provider.control.send(RelayFrame.ping);
        const answered = alive.bytesWritten;
        await rig.clock.advance(3_000);
        if (at % 15 === 12) {
          await until("it has answered", () => alive.bytesWritten > answered, 1);
        }
        await new Promise(setImmediate);
      }
      await closed;
      expect(rig.relay.spares).to.equal(1);
      expect(alive.destroyed).to.equal(false);
      expect(await provider.token()).to.have.lengthOf(16);
    });

    it("that say something before a visitor is there are closed", async () => {
      const provider = await raw();
      const socket = await provider.carry(await provider.token());
      const closed = once(socket.resume(), "close");
      socket.write("early");
      await closed;
      expect(rig.relay.spares).to.equal(0);
    });

    it("tell the visitor's address with a MAC, which nobody else can make", async () => {
      const provider = await raw();
      const token = await provider.token();
      const socket = await provider.carry(token);
      await until("it waits", () => rig.relay.spares === 1, 1);
      const visitor = await rig.connect();
      const hello = await clientHello();
      visitor.write(hello);
      const [bytes] = (await once(socket, "data")) as [Buffer];
      const read = readCarrier(bytes, token, provider.key);
      expect(read.ends?.visitor).to.deep.equal({ address: "127.0.0.1", port: visitor.localPort });
      expect(read.rest.equals(hello)).to.equal(true);
      const altered = Buffer.from(bytes);
      altered[20] = (altered[20] ?? 0) ^ 1;
      expect(() => readCarrier(altered, token, provider.key)).to.throw();
      expect(() => readCarrier(bytes, Buffer.alloc(16), provider.key)).to.throw();
      expect(() => readCarrier(bytes, token, Buffer.alloc(32))).to.throw();
      visitor.destroy();
    });
  });

  it("that are many are slowed down at the quota; no flow is cut, and no visitor is added", async () => {
    const slow = new RelayRig({ bytesPerSecondPerPeer: 100_000 });
    await slow.relay.start();
    const provider = new BehindRelays([slow.address]);
    await provider.start();
    const { client, locator } = createClient();
    locator.publish({ endpoints: provider.endpoints });
    const flow = await client.connect("weather", ECHO);
    const sent = pattern(5, 200_000);
    const got = collect(flow);
    const timers = slow.clock.waiting;
    flow.end(sent);
    await until("a side has to wait", () => slow.clock.waiting > timers, 1);
    expect(flow.bytesRead).to.be.below(sent.length);
    expect(await slow.refusal(slow.dial())).to.equal(QUOTA);
    let isOver = false;
    void got.finally(() => {
      isOver = true;
    });
    await until("all of it is there", async () => {
      await slow.clock.advance(1_000);
      return isOver;
    });
    expect((await got).equals(sent)).to.equal(true);
    client.close();
    provider.stop();
    await slow.relay.stop();
  });

  it("cannot use up the limits of a direct client whose address the relay tells", async () => {
    const provider = await behind({ limits: { maxSessionsPerPeer: 1 } });
    const direct = await provider.listen();
    // Both come from 127.0.0.1, and each has its own session.
    await greets(provider.endpoints);
    await greets([direct]);
    expect(provider.provider.sessions).to.equal(2);
  });

  it("are bounded at the provider by the relay as a whole, whatever addresses it tells", async () => {
    const terms = { limits: { maxVisitors: 3 } };
    const provider = await behind({ terms });
    await greets(provider.endpoints);
    await rig.clock.advance(20);
    await until("it holds what it may", () => rig.relay.spares + rig.relay.visitors === 3, 1);
    await greets(provider.endpoints);
    await greets(provider.endpoints);
    expect(await rig.refusal(rig.dial())).to.equal(QUOTA);
    expect(provider.lines[0]?.visitors).to.equal(3);
  });
});
