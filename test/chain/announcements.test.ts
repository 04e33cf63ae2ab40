import { expect } from "chai";
import { numberToHex, type Address, type Hex } from "viem";
import { Announcements } from "../../src/chain/announcements.ts";
import { REREAD_BLOCKS } from "../../src/chain/logs.ts";
import { Services } from "../../src/chain/services.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import {
  MAX_AHEAD_MS,
  MAX_LEASE_MS,
  signRecord,
  type EndpointRecord,
} from "../../src/protocol/record.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { DEPLOYMENT, FakeChain } from "../support/fakeChain.ts";
import { FakeTime, FakeTimers } from "../support/fakeTime.ts";
import { failureOf } from "../support/httpClient.ts";
import { MemoryLog } from "../support/memoryLog.ts";

const domain = blockcloudDomain(BigInt(DEPLOYMENT.chainId), DEPLOYMENT.contracts.registry);
const KEY: Hex = `0x${"4b".repeat(32)}`;
const STRANGER: Hex = `0x${"66".repeat(32)}`;
const signer = addressOfKey(KEY);
const NUMBER = 7n;
const EPOCH = 5;

describe("Announcements", () => {
  let chain: FakeChain;
  let timers: FakeTimers;
  let time: FakeTime;
  let log: MemoryLog;
  let announcements: Announcements;
  let keyAt: (number: bigint, epoch: number) => Address;

  beforeEach(() => {
    chain = new FakeChain();
    timers = new FakeTimers();
    time = new FakeTime(timers, DEPLOYMENT, EPOCH);
    log = new MemoryLog();
    keyAt = () => signer;
    chain.answers.keyAt = (number: bigint, epoch: number) => keyAt(number, epoch);
    const services = new Services(chain.client, DEPLOYMENT);
    const dependencies = { client: chain.client, deployment: DEPLOYMENT, time, services, log };
    announcements = new Announcements(dependencies);
  });

  const nextBlock = () => timers.advance(1_000);
  const nowMs = () => time.now() * 1000;

  function record(over: Partial<EndpointRecord> = {}, ageMs = 0): EndpointRecord {
    const issuedAt = BigInt(Math.floor(nowMs() - ageMs));
    return {
      serviceId: rootServiceId(NUMBER),
      issuedAt,
      expiresAt: issuedAt + 60_000n,
      endpoints: [{ uri: "https://a.example", priority: 0, weight: 1 }],
      delegation: "0x",
      ...over,
    };
  }

  function at(uri: string, ageMs = 0): EndpointRecord {
    return record({ endpoints: [{ uri, priority: 0, weight: 1 }] }, ageMs);
  }

  function announce(value: EndpointRecord | Hex, key: Hex = KEY, number = NUMBER): void {
    const encoded = typeof value === "string" ? value : signRecord(value, domain, hexToBytes(key));
    const args = { number, record: encoded };
    chain.logs.push({ block: Number(time.head().number), eventName: "Announced", args });
  }

  function known(key: Address = signer): string | undefined {
    return announcements.record(NUMBER, key)?.endpoints[0]?.uri;
  }

  it("knows nothing before it has read, and then what the service's key signed", async () => {
    const published = record();
    announce(published);
    expect(known()).to.equal(undefined);
    await announcements.refresh();
    expect(announcements.record(NUMBER, signer)).to.deep.equal(published);
    expect(announcements.record(8n, signer)).to.equal(undefined);
    expect(known(addressOfKey(STRANGER)), "by another key").to.equal(undefined);
  });

  it("takes the newer of two records, in whichever order they were announced", async () => {
    announce(at("https://new.example", 1_000));
    announce(at("https://old.example", 2_000));
    await announcements.refresh();
    expect(known()).to.equal("https://new.example");
    await nextBlock();
    announce(at("https://newest.example"));
    await announcements.refresh();
    expect(known()).to.equal("https://newest.example");
  });

  it("keeps the first of two records of the same version", async () => {
    announce(at("https://first.example"));
    announce(at("https://second.example"));
    await announcements.refresh();
    expect(known()).to.equal("https://first.example");
  });

  it("gives a record out until its lease ends and no longer", async () => {
    announce(record());
    await announcements.refresh();
    await timers.advance(59_999);
    expect(known()).to.equal("https://a.example");
    await timers.advance(1);
    expect(known()).to.equal(undefined);
  });

  it("takes a record dated a minute ahead, for clocks differ, and none further ahead", async () => {
    announce(at("https://future.example", -MAX_AHEAD_MS - 1));
    await announcements.refresh();
    expect(known()).to.equal(undefined);
    await nextBlock();
    announce(at("https://ahead.example", -MAX_AHEAD_MS));
    await announcements.refresh();
    expect(known()).to.equal("https://ahead.example");
  });

  it("lets no stranger crowd a record out, however new theirs is", async () => {
    announce(record());
    const before = () => {
      announce(at("https://evil.example", -30_000), STRANGER);
    };
    before();
    await announcements.refresh();
    await nextBlock();
    before();
    await announcements.refresh();
    expect(known()).to.equal("https://a.example");
    expect(known(addressOfKey(STRANGER))).to.equal(undefined);
  });

  it("lets no record in under another service's number, though the same key signed it", async () => {
    announce(record({ serviceId: rootServiceId(8n) }));
    await announcements.refresh();
    expect(known()).to.equal(undefined);
    await nextBlock();
    announce(record(), KEY, 8n);
    await announcements.refresh();
    expect(announcements.record(8n, signer)).to.equal(undefined);
  });

  it("passes garbage over and reads on", async () => {
    announce("0x");
    announce(`0x${"ff".repeat(2048)}`);
    announce(`${signRecord(record(), domain, hexToBytes(KEY))}00`);
    announce(record());
    await announcements.refresh();
    expect(known()).to.equal("https://a.example");
    expect(log.said("debug")).to.deep.equal(Array(3).fill("announced record refused"));
  });

  it("does not ask the chain for a key on behalf of what cannot count", async () => {
    announce("0x00");
    announce(record({ serviceId: rootServiceId(8n) }), STRANGER);
    announce(at("https://future.example", -MAX_AHEAD_MS - 1), STRANGER);
    await announcements.refresh();
    expect(chain.asked("eth_call")).to.equal(0);
  });

  it("takes records by the newest key, which counts from the next epoch on", async () => {
    const next = addressOfKey(STRANGER);
    announce(at("https://old.example"));
    await announcements.refresh();
    await nextBlock();
    keyAt = (_, epoch) => (epoch > EPOCH ? next : signer);
    announce(at("https://next.example"), STRANGER);
    await announcements.refresh();
    expect(known(next)).to.equal("https://next.example");
  });

  it("reads from the deployment's block on, the newest blocks twice, in spans that endpoints allow", async () => {
    time.blockSeconds = 0.125;
    await timers.advance(50_000);
    const head = Number(time.head().number);
    expect(head).to.be.above(4_000);
    await announcements.refresh();
    await announcements.refresh();
    await timers.advance(125);
    await announcements.refresh();
    const spans = chain.requests
      .filter(({ method }) => method === "eth_getLogs")
      .map(({ params }) => (params as [{ fromBlock: Hex; toBlock: Hex }])[0])
      .map(({ fromBlock, toBlock }) => [Number(fromBlock), Number(toBlock)] as const);
    const last = spans.pop();
    let next = DEPLOYMENT.block;
    for (const [from, to] of spans) {
      expect(from).to.equal(next);
      expect(to - from).to.be.below(2_000);
      next = to + 1;
    }
    expect(next).to.equal(head + 1);
    expect(last).to.deep.equal([next - Number(REREAD_BLOCKS), head + 1]);
  });

  it("hears of a record whose block the endpoint did not know when it was read", async () => {
    await announcements.refresh();
    await nextBlock();
    announce(record());
    const [late] = chain.logs.splice(0);
    await announcements.refresh();
    expect(known(), "the endpoint left it out").to.equal(undefined);
    chain.logs.push(late!);
    await nextBlock();
    await nextBlock();
    await announcements.refresh();
    expect(known()).to.equal("https://a.example");
  });

  it("asks once for the key of a record that it reads again", async () => {
    announce(record(), STRANGER);
    for (let block = 0; block < 5; block++) {
      await announcements.refresh();
      await nextBlock();
    }
    expect(chain.asked("eth_call")).to.equal(1);
  });

  it("begins where the longest lease began, however old the deployment is", async () => {
    const days = new FakeTime(timers, DEPLOYMENT, (5 * 86_400) / DEPLOYMENT.epochSeconds);
    chain.block = (tag) => ({
      number: tag,
      timestamp: numberToHex(DEPLOYMENT.genesis + Number(tag)),
    });
    const services = new Services(chain.client, DEPLOYMENT);
    const dependencies = { client: chain.client, deployment: DEPLOYMENT, services, log };
    await new Announcements({ ...dependencies, time: days }).refresh();
    const [first] = chain.requests.filter(({ method }) => method === "eth_getLogs");
    const [{ fromBlock }] = first!.params as [{ fromBlock: Hex }];
    expect(Number(fromBlock)).to.equal(4 * 86_400 - MAX_AHEAD_MS / 1000);
  });

  it("is one reading for whoever asks meanwhile", async () => {
    announce(record());
    await Promise.all([announcements.refresh(), announcements.refresh()]);
    expect(chain.asked("eth_getLogs")).to.equal(1);
    expect(announcements.announced(NUMBER)?.record).to.deep.equal(record());
  });

  it("reads again what it could not read to the end", async () => {
    announce(record());
    keyAt = () => {
      throw new Error("overloaded");
    };
    expect((await failureOf(announcements.refresh())).message).to.contain("overloaded");
    keyAt = () => signer;
    await announcements.refresh();
    expect(known()).to.equal("https://a.example");
  });

  it("keeps a lease of at most a day", async () => {
    const issuedAt = BigInt(Math.floor(nowMs()));
    announce(record({ issuedAt, expiresAt: issuedAt + BigInt(MAX_LEASE_MS) }));
    await announcements.refresh();
    await timers.advance(MAX_LEASE_MS);
    expect(known()).to.equal(undefined);
  });
});
