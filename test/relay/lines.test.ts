import { expect } from "chai";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { RelayLines, REMIND_MS } from "../../src/provider/relays/relayLines.ts";
import { relayErrors } from "../../src/sal/relay/errors.ts";
import { encodePlace, RELAY_ALPN, RelayFrame } from "../../src/sal/relay/frames.ts";
import { isRelayed, parseRelay, relayEndpoint, relayName } from "../../src/sal/relay/relayName.ts";
import { createCertificate } from "../../src/sal/transport/certificate.ts";
import type { Link } from "../../src/sal/transport/link.ts";
import { TlsAcceptor } from "../../src/sal/transport/tlsTransport.ts";
import { encodeFrame } from "../../src/sal/wire/encode.ts";
import { FakeClock } from "../sal/rig/fakeClock.ts";
import { DOMAIN, KEY, OTHER_KEY, SERVICE } from "../sal/rig/salRig.ts";
import { MemoryLog } from "../support/memoryLog.ts";
import { until } from "../support/until.ts";
import { RawProvider } from "./rawProvider.ts";
import { BehindRelays, FakeKeys, RelayRig } from "./rig.ts";

describe("a provider's line to a relay", () => {
  let rig: RelayRig;
  let provider: BehindRelays;

  beforeEach(async () => {
    rig = new RelayRig();
    await rig.relay.start();
    provider = new BehindRelays([rig.address]);
  });
  afterEach(async () => {
    provider.stop();
    await rig.relay.stop();
  });

  /** A relay that accepts connections and says nothing. */
  async function frozen(): Promise<{ host: string; port: number; stop(): void }> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.on("error", () => {}));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const stop = () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    };
    return { host: "127.0.0.1", port, stop };
  }

  /**
   * A relay that takes every reservation, and then stands still.
   *
   * @param heard Gets what the provider sends.
   * @param challenges How often it sends its nonce.
   */
  async function stuckRelay(
    heard: (chunk: Buffer) => void = () => {},
    challenges = 1,
  ): Promise<{ host: string; port: number; stop(): void }> {
    const tls = new TlsAcceptor(createCertificate(Date.now()), {
      protocol: RELAY_ALPN,
      isName: () => true,
    });
    const links = new Set<Link>();
    const server = createServer((socket) => {
      tls.accept(socket, new AbortController().signal).then(
        ({ link }) => {
          links.add(link);
          let isReserved = false;
          link.handler = {
            data: (chunk) => {
              heard(chunk);
              if (!isReserved)
                link.write(encodeFrame(RelayFrame.reserved, 0, encodePlace(link.peer)));
              isReserved = true;
            },
            drained: () => {},
            closed: () => {},
          };
          const challenge = encodeFrame(RelayFrame.challenge, 0, Buffer.alloc(32, 1));
          link.write(Buffer.concat(Array<Buffer>(challenges).fill(challenge)));
        },
        () => socket.destroy(),
      );
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const stop = () => {
      for (const link of links) link.destroy();
      server.close();
    };
    return { host: "127.0.0.1", port, stop };
  }

  it("names the relay while the reservation holds, and where it comes from", async () => {
    await provider.start();
    expect(provider.endpoints).to.deep.equal([relayEndpoint(rig.address)]);
    expect(provider.lines[0]?.observed?.address).to.equal("127.0.0.1");
    await rig.relay.stop();
    await until("it is lost", () => provider.endpoints.length === 0, 1);
    expect(provider.lines[0]?.failure?.code).to.be.oneOf([relayErrors.lost, undefined]);
  });

  it("gives up a relay that says nothing more after 10 s, and tries it again", async () => {
    const stuck = await stuckRelay();
    const behind = new BehindRelays([stuck]);
    await behind.start();
    expect(behind.endpoints).to.have.lengthOf(1);
    await behind.clock.advance(9_999);
    expect(behind.endpoints).to.have.lengthOf(1);
    await behind.clock.advance(1);
    expect(behind.endpoints).to.deep.equal([]);
    expect(behind.lines[0]?.failure?.code).to.equal(relayErrors.lost);
    await behind.clock.advance(250);
    await until("it is back", () => behind.endpoints.length === 1, 1);
    behind.stop();
    stuck.stop();
  });

  it("signs once for a connection, however often the relay asks", async () => {
    let bytes = 0;
    const eager = await stuckRelay((chunk) => (bytes += chunk.length), 3);
    const behind = new BehindRelays([eager]);
    await behind.start();
    expect(behind.endpoints).to.deep.equal([]);
    expect(behind.lines[0]?.failure?.code).to.equal(relayErrors.refused);
    // One reservation has 150 bytes and the relay's name, and the end a text: two do not fit.
    expect(bytes).to.be.below(300);
    behind.stop();
    eager.stop();
  });

  it("does not take its reservation back from another process of the instance at once", async () => {
    await provider.start();
    const line = provider.lines[0];
    const other = await RawProvider.dial(rig.address);
    expect(await other.reserve({ instance: provider.provider.instance })).to.equal("reserved");
    await until("the line has lost it", () => line?.isReserved === false, 1);
    await until("it pauses", () => provider.clock.waiting > 0, 1);
    await provider.clock.advance(14_999);
    expect(rig.relay.reservations).to.equal(1);
    expect(line?.isReserved).to.equal(false);
    await provider.clock.advance(1);
    await until("it is back", () => line?.isReserved === true, 1);
    other.close();
  });

  it("tries a relay that does not answer again, each time later", async () => {
    const dead = await frozen();
    const late = new BehindRelays([dead]);
    const started = late.start();
    await until("it waits for the answer", () => late.clock.waiting > 0, 1);
    await late.clock.advance(10_000);
    await started;
    expect(late.lines[0]?.failure?.code).to.equal(relayErrors.unreachable);
    expect(late.endpoints).to.deep.equal([]);
    late.stop();
    dead.stop();
  });

  it("tells why the relay refuses", async () => {
    const keys = new FakeKeys();
    keys.keys.delete(7n);
    const strict = new RelayRig({}, keys);
    await strict.relay.start();
    const stranger = new BehindRelays([strict.address], { terms: { key: OTHER_KEY } });
    await stranger.start();
    expect(stranger.lines[0]?.failure?.code).to.equal(relayErrors.refused);
    stranger.stop();
    await strict.relay.stop();
  });

  it("is one of several: the service starts with the first that leads to it", async () => {
    const dead = await frozen();
    const told: [number, number][] = [];
    const clock = new FakeClock();
    const terms = {
      ...{ serviceId: SERVICE, key: KEY, delegation: "0x" as const, domain: DOMAIN },
      instance: Buffer.alloc(8, 1),
    };
    const lines = new RelayLines({ relays: [dead, rig.address] }, terms, {
      ...{ clock, log: new MemoryLog(), now: Date.now, accept: () => {} },
      metrics: { relays: (reserved, wanted) => told.push([reserved, wanted]) },
    });
    await lines.start();
    expect(lines.endpoints()).to.deep.equal([relayEndpoint(rig.address)]);
    expect(told).to.deep.include.members([
      [0, 2],
      [1, 2],
    ]);
    await lines.stop();
    dead.stop();
  });

  it("is missed again and again while the service has none", async () => {
    const dead = await frozen();
    dead.stop();
    const [clock, log] = [new FakeClock(), new MemoryLog()];
    const terms = {
      ...{ serviceId: SERVICE, key: KEY, delegation: "0x" as const, domain: DOMAIN },
      instance: Buffer.alloc(8, 1),
    };
    const lines = new RelayLines({ relays: [dead] }, terms, {
      ...{ clock, log, now: Date.now, accept: () => {} },
    });
    await lines.start();
    const reminders = () =>
      log.said("warn").filter((text) => text === "no relay leads clients here").length;
    expect(reminders(), "at once").to.equal(1);
    await clock.advance(REMIND_MS);
    await clock.advance(REMIND_MS);
    expect(reminders()).to.equal(3);
    await lines.stop();
    await clock.advance(10 * REMIND_MS);
    expect(reminders()).to.equal(3);
  });

  it("is refused twice to the same relay", () => {
    const relay = { host: "relay.example", port: 4180 };
    const terms = {
      ...{ serviceId: SERVICE, key: KEY, delegation: "0x" as const, domain: DOMAIN },
      instance: Buffer.alloc(8, 1),
    };
    const dependencies = {
      ...{ clock: new FakeClock(), log: new MemoryLog(), now: Date.now, accept: () => {} },
    };
    expect(() => new RelayLines({ relays: [relay, relay] }, terms, dependencies))
      .to.throw(BlockcloudError)
      .with.property("code", relayErrors.options);
  });
});

describe("names of relays", () => {
  it("are read and written in one way", () => {
    for (const [text, name] of [
      ["relay.example:4180", "relay.example:4180"],
      ["Relay.Example:443", "relay.example:443"],
      ["[2001:DB8::1]:4180", "[2001:db8::1]:4180"],
    ] as const) {
      const relay = parseRelay(text);
      expect(relay && relayName(relay)).to.equal(name);
      expect(relay && isRelayed(relayEndpoint(relay))).to.equal(true);
    }
    for (const text of [
      "relay.example",
      "relay.example:0",
      "relay.example:70000",
      "[x]:1",
      "a b:1",
    ]) {
      expect(parseRelay(text), text).to.equal(undefined);
    }
    expect(isRelayed("sal://203.0.113.1:1")).to.equal(false);
    expect(isRelayed("http://203.0.113.1:1?relay")).to.equal(false);
  });
});
