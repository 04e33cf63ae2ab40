import { expect } from "chai";
import type { Hex } from "viem";
import { Announcements } from "../../../src/chain/announcements.ts";
import { Services } from "../../../src/chain/services.ts";
import { MAX_LEASE_MS, readRecord, type Endpoint } from "../../../src/protocol/record.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../../src/protocol/signature.ts";
import { blockcloudDomain } from "../../../src/protocol/typedData.ts";
import { Announcer } from "../../../src/provider/publish/announcer.ts";
import { ProviderStore } from "../../../src/provider/store.ts";
import { DEPLOYMENT, FakeChain, FakeSender } from "../../support/fakeChain.ts";
import { FakeTime, FakeTimers } from "../../support/fakeTime.ts";
import { failureOf } from "../../support/httpClient.ts";
import { MemoryLog } from "../../support/memoryLog.ts";

const KEY: Hex = `0x${"4b".repeat(32)}`;
const domain = blockcloudDomain(BigInt(DEPLOYMENT.chainId), DEPLOYMENT.contracts.registry);

describe("Announcer", () => {
  let timers: FakeTimers;
  let time: FakeTime;
  let chain: FakeChain;
  let sender: FakeSender;
  let log: MemoryLog;
  let endpoints: Endpoint[];
  let announcer: Announcer;
  let store: ProviderStore;

  beforeEach(() => {
    timers = new FakeTimers();
    time = new FakeTime(timers, DEPLOYMENT, 5);
    time.blockSeconds = 10;
    chain = new FakeChain();
    chain.answers.keyAt = () => addressOfKey(KEY);
    sender = new FakeSender();
    log = new MemoryLog();
    endpoints = [{ uri: "https://a.example", priority: 0, weight: 1 }];
    // What is announced stands in the next block.
    sender.onSend = ({ args: [number, record] }) => {
      const block = Number(time.head().number) + 1;
      chain.logs.push({ block, eventName: "Announced", args: { number, record } });
      return [];
    };
    store = new ProviderStore(":memory:");
    announcer = start();
  });
  afterEach(() => {
    store.close();
  });

  function start(): Announcer {
    const services = new Services(chain.client, DEPLOYMENT);
    const shared = { client: chain.client, deployment: DEPLOYMENT, time, log };
    const announcements = new Announcements({ ...shared, services });
    return new Announcer(
      { number: 7n, serviceKey: KEY, endpoints: () => endpoints },
      { ...shared, announcements, sender: sender.asSender, store },
    );
  }

  const records = () => sender.sent.map(({ args }) => readRecord(args[1] as Hex, domain));
  const nextBlock = () => timers.advance(10_000);

  it("does not announce again before its own announcement can be read", async () => {
    await announcer.announce(true);
    await announcer.announce(true);
    expect(sender.sent).to.have.length(1);
    await nextBlock();
    await announcer.announce(true);
    expect(sender.sent).to.have.length(1);
  });

  it("announces where the service listens, signed, for a day", async () => {
    await announcer.announce(true);
    expect(sender.sent).to.have.length(1);
    expect(sender.sent[0]).to.deep.include({
      address: DEPLOYMENT.contracts.registry,
      functionName: "announce",
    });
    expect(sender.sent[0]?.args[0]).to.equal(7n);
    const [{ record, signer } = expect.fail()] = records();
    expect(signer).to.equal(addressOfKey(KEY));
    const issuedAt = BigInt(time.now() * 1000);
    expect(record).to.deep.equal({
      serviceId: rootServiceId(7n),
      issuedAt,
      expiresAt: issuedAt + BigInt(MAX_LEASE_MS),
      endpoints,
      delegation: "0x",
    });
    expect(log.lines.at(-1)?.fields).to.deep.equal({
      number: 7n,
      endpoints: ["https://a.example"],
    });
  });

  it("says the same again only at half-life", async () => {
    await announcer.announce(true);
    await nextBlock();
    await announcer.announce(true);
    await timers.advance(MAX_LEASE_MS / 2 - 10_001);
    await announcer.announce(true);
    expect(sender.sent).to.have.length(1);
    await timers.advance(1);
    await announcer.announce(true);
    expect(sender.sent).to.have.length(2);
  });

  it("does not announce anew after a restart", async () => {
    await announcer.announce(true);
    await nextBlock();
    await start().announce(true);
    expect(sender.sent).to.have.length(1);
  });

  it("announces a change at once, and a return to the old endpoints later", async () => {
    await announcer.announce(true);
    const before = endpoints;
    for (const next of [
      [{ uri: "https://b.example", priority: 0, weight: 1 }],
      [{ uri: "https://b.example", priority: 1, weight: 1 }],
      before,
    ]) {
      await nextBlock();
      endpoints = next;
      await announcer.announce(true);
      await nextBlock();
      await announcer.announce(true);
    }
    expect(records().map(({ record }) => record.endpoints[0]?.uri)).to.deep.equal([
      "https://a.example",
      "https://b.example",
      "https://b.example",
      "https://a.example",
    ]);
  });

  it("leaves a move to the record network, as long as that carries it: announcing costs gas", async () => {
    await announcer.announce(false);
    await nextBlock();
    endpoints = [{ uri: "https://b.example", priority: 0, weight: 1 }];
    await announcer.announce(false);
    expect(sender.sent).to.have.length(1);
    await timers.advance(MAX_LEASE_MS / 2);
    await announcer.announce(false);
    expect(records()[1]?.record.endpoints, "with the next renewal").to.deep.equal(endpoints);
  });

  it("announces once, though it is told to twice at a time", async () => {
    await Promise.all([announcer.announce(true), announcer.announce(true)]);
    expect(sender.sent).to.have.length(1);
  });

  it("announces a version above what the network was told", async () => {
    const told = store.raiseVersion(rootServiceId(7n), Math.floor(time.now() * 1000) + 5_000);
    await announcer.announce(true);
    expect(Number(records()[0]?.record.issuedAt)).to.be.above(told);
  });

  it("gives each record a version above the last, though the clock stands still", async () => {
    await announcer.announce(true);
    const { issuedAt } = records()[0]!.record;
    const still = time.now();
    await nextBlock();
    const head = time.head();
    time.head = () => head;
    time.now = () => still;
    endpoints = [{ uri: "https://b.example", priority: 0, weight: 1 }];
    await announcer.announce(true);
    expect(records()[1]?.record.issuedAt).to.equal(issuedAt + 1n);
  });

  it("announces again when the record has expired", async () => {
    await announcer.announce(true);
    await timers.advance(MAX_LEASE_MS);
    await announcer.announce(true);
    expect(sender.sent).to.have.length(2);
  });

  it("says when it cannot", async () => {
    sender.onSend = () => {
      throw new Error("no ether");
    };
    expect((await failureOf(announcer.announce(true))).message).to.equal("no ether");
    expect(log.said("info")).to.deep.equal([]);
  });
});
