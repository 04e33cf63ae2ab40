import { expect } from "chai";
import { setImmediate as turn } from "node:timers/promises";
import type { Hex } from "viem";
import type { MessageKind } from "../../../src/coral/network.ts";
import { hexToBytes } from "../../../src/protocol/bytes.ts";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { readRecord } from "../../../src/protocol/record.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { blockcloudDomain } from "../../../src/protocol/typedData.ts";
import { RECORD_LEASE_MS } from "../../../src/provider/publish/lease.ts";
import { Publisher } from "../../../src/provider/publish/publisher.ts";
import { ProviderStore } from "../../../src/provider/store.ts";
import { Whereabouts } from "../../../src/provider/publish/whereabouts.ts";
import { DEPLOYMENT } from "../../support/fakeChain.ts";
import { FakeTime, FakeTimers } from "../../support/fakeTime.ts";
import { MemoryLog } from "../../support/memoryLog.ts";

const KEY: Hex = `0x${"4b".repeat(32)}`;
const ID = rootServiceId(7n);
const domain = blockcloudDomain(BigInt(DEPLOYMENT.chainId), DEPLOYMENT.contracts.registry);
const listen = { host: "127.0.0.1", port: 9000 };

describe("Publisher", () => {
  let timers: FakeTimers;
  let time: FakeTime;
  let log: MemoryLog;
  let store: ProviderStore;
  let publisher: Publisher;
  let gateways: {
    address: { address: string; port: number; family: string };
    moveTo(to: { host: string; port: number }, graceMs?: number): Promise<number>;
  };
  let addresses: string[];
  let peers: number;
  let isAlone: boolean;
  /** Thrown by the network, in the place of taking what it is given. */
  let refusal: Error | undefined;
  /** The network takes as long as this. */
  let held: Promise<undefined> | undefined;
  let published: { kind: MessageKind; encoded: Hex; at: number }[];
  let announced: number;

  beforeEach(() => {
    timers = new FakeTimers();
    time = new FakeTime(timers, DEPLOYMENT, 5);
    log = new MemoryLog();
    store = new ProviderStore(":memory:");
    gateways = {
      address: { address: "127.0.0.1", port: 8080, family: "IPv4" },
      moveTo: async ({ host, port }, graceMs = 60_000) => {
        gateways.address = { address: host, port, family: "IPv4" };
        return graceMs;
      },
    };
    [addresses, peers, refusal, published, announced] = [[], 3, undefined, [], 0];
    [isAlone, held] = [false, undefined];
    publisher = start(undefined);
  });

  afterEach(async () => {
    await publisher.stop();
    store.close();
  });

  function start(configured: string | undefined): Publisher {
    const whereabouts = new Whereabouts(
      { configured },
      { gateways, store, timers, log, now, addresses: () => addresses },
    );
    return new Publisher(
      { serviceId: ID, key: hexToBytes(KEY), delegation: "0x", domain },
      {
        network: {
          get peers() {
            return peers;
          },
          get alone() {
            return isAlone;
          },
          publish: async (kind, encoded) => {
            await held;
            if (refusal !== undefined) throw refusal;
            published.push({ kind, encoded, at: timers.monotonic() });
            return { peers, stored: Promise.resolve(peers) };
          },
        },
        store,
        whereabouts,
        announcer: {
          announce: async (alone) => {
            if (alone) announced += 1;
          },
        },
        now: () => time.now() * 1000,
        timers,
        log,
      },
    );
  }

  const now = () => time.now() * 1000;
  const records = () => published.map(({ encoded }) => readRecord(encoded, domain).record);
  const all = () => records().map(({ endpoints }) => endpoints.map(({ uri }) => uri));
  /** Those of HTTP; the SAL's are at the same places. */
  const uris = () => all().map((each) => each.filter((uri) => !uri.startsWith("sal:")));
  /** As another process would: the store's own connection does not see its own writes as news. */
  const hear = () => {
    store.changed = () => {
      store.changed = () => false;
      return true;
    };
  };

  it("stops after the record that is under way, and publishes no other one", async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    held = promise;
    const starting = publisher.start();
    let isStopped = false;
    const stopping = publisher.stop().then(() => {
      isStopped = true;
    });
    await turn();
    expect(isStopped).to.equal(false);
    resolve(undefined);
    await starting;
    await stopping;
    expect(published).to.have.lengthOf(1);
  });

  it("publishes at its start where the gateway listens, for a minute", async () => {
    await publisher.start();
    expect(uris()).to.deep.equal([["http://127.0.0.1:8080"]]);
    const [record] = records();
    expect(Number(record!.expiresAt - record!.issuedAt)).to.equal(RECORD_LEASE_MS);
    expect(Number(record!.issuedAt)).to.equal(time.now() * 1000);
    expect(log.said("info")).to.deep.equal(["endpoint published"]);
  });

  it("renews the lease at half of it, each version above the last, and says nothing of it", async () => {
    await publisher.start();
    await timers.advance(RECORD_LEASE_MS);
    expect(published.map(({ at }) => at)).to.deep.equal([0, 30_000, 60_000]);
    const versions = records().map(({ issuedAt }) => issuedAt);
    expect(versions).to.deep.equal([...versions].sort());
    expect(new Set(versions)).to.have.property("size", 3);
    expect(log.said("info")).to.deep.equal(["endpoint published"]);
  });

  it("moves within a tick of the command, and says what became of it", async () => {
    await publisher.start();
    await timers.advance(1_000);
    const id = store.requestMove({ uri: "https://new.example", listen: undefined }, now() + 10_000);
    hear();
    await timers.advance(100);
    expect(uris().at(-1)).to.deep.equal(["https://new.example"]);
    const [, record] = records();
    expect(store.move(now())).to.deep.include({
      id,
      outcome: {
        uris: ["https://new.example"],
        issuedAt: Number(record!.issuedAt),
        peers: 3,
        milliseconds: 0,
      },
    });
    expect(log.said("info").at(-1)).to.equal("service moved");
    await timers.advance(RECORD_LEASE_MS / 2);
    expect(uris().at(-1), "and stays there").to.deep.equal(["https://new.example"]);
  });

  it("names the SAL at the gateway's own host and port, and not where a proxy ends TLS", async () => {
    await publisher.start();
    expect(all()).to.deep.equal([["http://127.0.0.1:8080", "sal://127.0.0.1:8080"]]);
    store.requestMove({ uri: "http://new.example", listen: undefined }, now() + 10_000);
    hear();
    await timers.advance(100);
    expect(all().at(-1)).to.deep.equal(["http://new.example", "sal://new.example:80"]);
    store.requestMove({ uri: "https://tls.example", listen: undefined }, now() + 10_000);
    hear();
    await timers.advance(100);
    expect(all().at(-1)).to.deep.equal(["https://tls.example"]);
  });

  it("listens at another place first where a command says so", async () => {
    await publisher.start();
    store.requestMove({ uri: undefined, listen }, now() + 10_000);
    hear();
    await timers.advance(100);
    expect(uris().at(-1)).to.deep.equal(["http://127.0.0.1:9000"]);
  });

  it("says how long the old address stays open: as long as the move says, else its own settings", async () => {
    await publisher.start();
    for (const graceMs of [300_000, undefined]) {
      const id = store.requestMove({ uri: undefined, listen, graceMs }, now() + 10_000);
      hear();
      await timers.advance(100);
      const outcome = store.requestedMove(id)?.outcome;
      expect(outcome).to.have.property("graceMs", graceMs ?? 60_000);
    }
    const id = store.requestMove({ uri: "https://new.example", listen: undefined }, now() + 10_000);
    hear();
    await timers.advance(100);
    expect(store.requestedMove(id)?.outcome).to.have.property("uris");
    expect(store.requestedMove(id)?.outcome).not.to.have.property("graceMs");
  });

  it("stays where it is when it cannot listen there, and says why", async () => {
    await publisher.start();
    gateways.moveTo = () => Promise.reject(new BlockcloudError("GATEWAY_LISTEN", "Taken."));
    const id = store.requestMove({ uri: undefined, listen }, now() + 10_000);
    hear();
    await timers.advance(1_000);
    expect(published).to.have.length(1);
    expect(store.requestedMove(id)).to.deep.include({
      id,
      outcome: { code: "GATEWAY_LISTEN", message: "Taken.", again: false },
    });
    expect(store.move(now()), "and does not go there when it is started again").to.equal(undefined);
  });

  it("is still at the last place when a later move failed, also after a restart", async () => {
    await publisher.start();
    store.requestMove({ uri: "https://new.example", listen: undefined }, now() + 10_000);
    hear();
    await timers.advance(100);
    gateways.moveTo = () => Promise.reject(new BlockcloudError("GATEWAY_LISTEN", "Taken."));
    store.requestMove({ uri: "https://third.example", listen }, now() + 10_000);
    hear();
    await timers.advance(100);
    hear();
    await timers.advance(100);
    expect(uris().at(-1)).to.deep.equal(["https://new.example"]);
    await publisher.stop();
    publisher = start(undefined);
    hear();
    await publisher.start();
    expect(uris().at(-1)).to.deep.equal(["https://new.example"]);
  });

  it("does not carry out a move whose command has given up", async () => {
    const late = store.requestMove({ uri: "https://late.example", listen: undefined }, now());
    await publisher.start();
    expect(uris()).to.deep.equal([["http://127.0.0.1:8080"]]);
    expect(store.withdrawMove(late)).to.equal(true);
  });

  it("is still where it was moved to after a restart, whatever its flags say", async () => {
    store.requestMove({ uri: "https://new.example", listen: undefined }, now() + 10_000);
    publisher = start("https://old.example");
    await publisher.start();
    expect(uris()).to.deep.equal([["https://new.example"]]);
    store.forgetMove();
    hear();
    await timers.advance(100);
    expect(uris().at(-1), "until it is told to go back").to.deep.equal(["https://old.example"]);
  });

  it("notices that the machine's addresses changed, and publishes the new ones", async () => {
    gateways.address = { address: "0.0.0.0", port: 80, family: "IPv4" };
    addresses = ["192.0.2.1", "2001:db8::1"];
    await publisher.start();
    expect(uris()).to.deep.equal([["http://192.0.2.1:80"]]);
    addresses = ["198.51.100.7"];
    await timers.advance(1_100);
    expect(uris().at(-1)).to.deep.equal(["http://198.51.100.7:80"]);
    addresses = [];
    await timers.advance(5_000);
    expect(published, "in a tunnel there is nothing better to say").to.have.length(2);
  });

  it("tries again after a while what the network refused, and says once that it did", async () => {
    refusal = new BlockcloudError("SERVICE_INACTIVE", "Suspended.");
    await publisher.start();
    await timers.advance(20_000);
    expect(log.said("warn")).to.deep.equal(["the record was not published, trying again"]);
    refusal = undefined;
    await timers.advance(5_000);
    expect(published).to.have.length(1);
    expect(log.said("info")).to.deep.equal(["endpoint published"]);
  });

  it("tells a move that was refused why", async () => {
    await publisher.start();
    refusal = new BlockcloudError("SERVICE_INACTIVE", "Suspended.");
    const id = store.requestMove({ uri: "https://new.example", listen: undefined }, now() + 10_000);
    hear();
    await timers.advance(100);
    expect(store.move(now())?.outcome).to.deep.equal({
      code: "SERVICE_INACTIVE",
      message: "Suspended.",
      again: true,
    });
    expect(store.move(now())?.id).to.equal(id);
  });

  it("publishes again as soon as there are peers to hear it", async () => {
    peers = 0;
    await publisher.start();
    await timers.advance(2_000);
    expect(published).to.have.length(1);
    peers = 2;
    await timers.advance(100);
    expect(published).to.have.length(2);
    await timers.advance(5_000);
    expect(published).to.have.length(2);
  });

  it("warns that no peer hears of a move, with what to do", async () => {
    await publisher.start();
    peers = 0;
    store.requestMove({ uri: "https://new.example", listen: undefined }, now() + 10_000);
    hear();
    await timers.advance(100);
    const moved = log.lines.findLast(({ message }) => message === "service moved");
    expect(moved).to.include({ level: "warn" });
    expect(moved?.fields).to.have.keys("endpoints", "version", "peers", "milliseconds", "remedy");
  });

  it("announces on chain only when no peer was there for a while", async () => {
    peers = 0;
    await publisher.start();
    expect(announced, "connections take a moment").to.equal(0);
    isAlone = true;
    await timers.advance(RECORD_LEASE_MS / 2);
    expect(announced).to.equal(1);
    [peers, isAlone] = [1, false];
    await timers.advance(RECORD_LEASE_MS / 2);
    expect(announced).to.equal(1);
    expect(publisher.alone).to.equal(false);
  });

  it("keeps names and revocations published: at once, and again every hour until they expire", async () => {
    const grant = {
      serviceId: ID,
      label: undefined,
      delegation: "0x" as const,
      issuedAt: 1,
      expiresAt: 2,
      revokedAt: undefined,
    };
    const expiresAt = time.now() * 1000 + 1.5 * 3_600_000;
    store.grants.save(grant, [{ key: "0x01", kind: "name", encoded: "0xaa", expiresAt }]);
    await publisher.start();
    const notices = () => published.filter(({ kind }) => kind === "name").map(({ at }) => at);
    expect(notices()).to.deep.equal([0]);
    await timers.advance(2.2 * 3_600_000);
    expect(notices()).to.have.length(2);
    expect(notices()[1]).to.be.within(3_600_000, 3_600_200);
  });
});
