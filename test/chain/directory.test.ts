import { expect } from "chai";
import type { Address, Hex } from "viem";
import { REREAD_BLOCKS } from "../../src/chain/logs.ts";
import { ServiceDirectory } from "../../src/chain/directory.ts";
import { DEPLOYMENT, FakeChain } from "../support/fakeChain.ts";
import { FakeTime, FakeTimers } from "../support/fakeTime.ts";
import { failureOf } from "../support/httpClient.ts";
import { MemoryLog } from "../support/memoryLog.ts";

const EPOCH = 10;
const OLD: Address = `0x${"1".repeat(40)}`;
const NEW: Address = `0x${"2".repeat(40)}`;
const ACTIVE = 1;
const SUSPENDED = 4;

describe("ServiceDirectory", () => {
  let chain: FakeChain;
  let timers: FakeTimers;
  let time: FakeTime;
  let log: MemoryLog;
  let directory: ServiceDirectory;
  let key: Address;
  let status: number;
  let verdict: [grade: number, quorate: boolean];
  let count: bigint;

  beforeEach(async () => {
    chain = new FakeChain();
    timers = new FakeTimers();
    time = new FakeTime(timers, DEPLOYMENT, EPOCH);
    log = new MemoryLog();
    [key, status, verdict, count] = [OLD, ACTIVE, [0, false], 20n];
    Object.assign(chain.answers, {
      serviceCount: () => count,
      statusNow: () => status,
      keyAt: (_: bigint, epoch: number) => (epoch > EPOCH ? key : OLD),
      serviceStakeAt: () => [5_000n, 5_000n],
      verdictOf: () => verdict,
      numberOf: (label: string) => (label === "weather" ? 7n : 0n),
    });
    const dependencies = { client: chain.client, deployment: DEPLOYMENT, time, timers, log };
    directory = new ServiceDirectory(dependencies);
    await directory.start();
    await timers.advance(20_000);
    chain.requests.length = 0;
  });

  afterEach(() => directory.stop());

  function happens(eventName: string, args: Record<string, unknown>, hash?: Hex, ago = 0): void {
    const block = Number(time.head().number) + 1 - ago;
    chain.logs.push({ block, eventName, args, ...(hash && { hash }) });
  }
  const nextBlock = () => timers.advance(1_300);

  it("reads a service once, and then answers from memory", async () => {
    const [first, second] = await Promise.all([directory.rootKey(7n), directory.rootKey(7n)]);
    expect(first).to.deep.equal({ key: OLD, active: true });
    expect(second).to.deep.equal(first);
    const asked = chain.asked("eth_call");
    await directory.rootKey(7n);
    expect(chain.asked("eth_call")).to.equal(asked);
  });

  it("reads the key anew, and says so, the moment the registry says that it changed", async () => {
    const changes: bigint[] = [];
    directory.onChange((number) => changes.push(number));
    await directory.rootKey(7n);
    key = NEW;
    expect((await directory.rootKey(7n))?.key, "before the event").to.equal(OLD);
    happens("KeySet", { number: 7n, since: EPOCH + 1, key: NEW });
    await nextBlock();
    expect(changes).to.deep.equal([7n]);
    expect((await directory.rootKey(7n))?.key).to.equal(NEW);
  });

  const changed: [string, Record<string, unknown>][] = [
    ["ServiceSuspended", { number: 7n, since: EPOCH + 1 }],
    ["ServiceReinstated", { number: 7n, since: EPOCH + 1 }],
    ["ServiceRetired", { number: 7n, since: EPOCH + 1 }],
    ["MaintenanceSet", { number: 7n, since: EPOCH + 1, on: true }],
    ["ActivityChanged", { number: 7n, since: EPOCH + 1, active: false }],
    ["Transfer", { from: OLD, to: NEW, tokenId: 7n }],
    ["ServiceStakeChanged", { number: 7n, since: EPOCH + 1, stake: 1n }],
  ];
  for (const [eventName, args] of changed) {
    it(`forgets a service on ${eventName}, and no other`, async () => {
      await directory.rootKey(7n);
      await directory.rootKey(8n);
      happens(eventName, args);
      await nextBlock();
      status = SUSPENDED;
      expect((await directory.rootKey(7n))?.active).to.equal(false);
      expect((await directory.rootKey(8n))?.active).to.equal(true);
    });
  }

  it("does not remember what it read before the event that changed it", async () => {
    // The read is under way while the event comes.
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    chain.answers.statusNow = () => {
      status = SUSPENDED;
      return ACTIVE;
    };
    chain.arrive = (method) => (method === "eth_call" ? gate : undefined);
    const early = directory.rootKey(7n);
    await timers.advance(0);
    happens("ServiceSuspended", { number: 7n, since: EPOCH + 1 });
    await nextBlock();
    release();
    expect((await early)?.active, "for who asked before").to.equal(true);
    chain.answers.statusNow = () => status;
    expect((await directory.rootKey(7n))?.active).to.equal(false);
  });

  it("counts what a reorganisation brings, and what it takes away", async () => {
    const changes: bigint[] = [];
    directory.onChange((number) => changes.push(number));
    happens("KeySet", { number: 7n, since: EPOCH + 1, key: NEW }, `0x${"aa".repeat(32)}`);
    await nextBlock();
    expect(changes.splice(0)).to.deep.equal([7n]);
    await nextBlock();
    expect(changes, "seen again, and known").to.deep.equal([]);
    chain.logs.pop();
    happens("KeySet", { number: 8n, since: EPOCH + 1, key: NEW }, `0x${"bb".repeat(32)}`, 2);
    await nextBlock();
    expect(changes.sort()).to.deep.equal([7n, 8n]);
    await timers.advance(1_000 * Number(REREAD_BLOCKS) + 2_000);
    expect(changes, "too deep to be replaced: no change").to.have.length(2);
  });

  it("misses nothing while the endpoint is out of reach, and says that it is", async () => {
    const changes: bigint[] = [];
    directory.onChange((number) => changes.push(number));
    chain.arrive = () => {
      throw new Error("gone");
    };
    happens("KeySet", { number: 7n, since: EPOCH + 1, key: NEW });
    await timers.advance(60_000);
    expect(changes).to.deep.equal([]);
    expect(log.said("warn")).to.include("cannot follow the registry");
    expect(await failureOf(directory.rootKey(9n))).to.include({
      code: "CHAIN_UNREACHABLE",
      retryable: true,
    });
    chain.arrive = () => {};
    await nextBlock();
    expect(changes).to.deep.equal([7n]);
    expect((await directory.rootKey(9n))?.key, "a failure is not remembered").to.equal(OLD);
  });

  it("tells an unknown number from a service, until it is registered", async () => {
    expect(await directory.rootKey(21n)).to.equal(undefined);
    expect(await directory.facts(21n)).to.equal(undefined);
    const asked = chain.asked("eth_call");
    expect(await directory.rootKey(21n)).to.equal(undefined);
    expect(chain.asked("eth_call"), "no second read").to.equal(asked);
    count = 21n;
    happens("ServiceRegistered", {
      number: 21n,
      owner: OLD,
      classId: 0,
      key: OLD,
      since: EPOCH + 1,
    });
    await nextBlock();
    expect(await directory.rootKey(21n)).to.deep.equal({ key: OLD, active: true });
  });

  it("costs whoever invents numbers one read each, of the count", async () => {
    await directory.rootKey(1_000n);
    await directory.rootKey(1_001n);
    expect(chain.asked("eth_call")).to.equal(2);
  });

  it("says stake and the verdicts of final epochs, and reads the next one when it is final", async () => {
    verdict = [3, true];
    const facts = await directory.facts(7n);
    expect(facts).to.include({ number: 7n, status: "Active", key: OLD, stake: 5_000n });
    expect(facts?.verdicts.map(({ epoch }) => epoch)).to.deep.equal([8, 7, 6, 5]);
    expect(facts?.verdicts[0]?.verdict).to.equal(3);
    expect(directory.knownFacts(7n)).to.equal(facts);
    const asked = chain.asked("eth_call");
    await directory.facts(7n);
    expect(chain.asked("eth_call")).to.equal(asked);
    await timers.advance(DEPLOYMENT.epochSeconds * 1_000);
    expect((await directory.facts(7n))?.verdicts[0]?.epoch).to.equal(9);
    expect(chain.asked("eth_call"), "one verdict more").to.equal(asked + 1);
  });

  it("says all of one block: the verdicts are those that are final in its epoch", async () => {
    const isOfOneMoment = async () => {
      const { block, verdicts } = (await directory.facts(7n))!;
      const { timestamp } = { timestamp: DEPLOYMENT.genesis + Number(block) * time.blockSeconds };
      const epoch = Math.floor((timestamp - DEPLOYMENT.genesis) / DEPLOYMENT.epochSeconds);
      expect(verdicts[0]?.epoch).to.equal(epoch - 2);
      return block;
    };
    const first = await isOfOneMoment();
    await timers.advance(DEPLOYMENT.epochSeconds * 1_000);
    const second = await isOfOneMoment();
    expect(second > first, "an epoch later").to.equal(true);
    // An endpoint that cannot be followed leaves the answer at the last block that was.
    chain.arrive = () => {
      throw new Error("gone");
    };
    await timers.advance(DEPLOYMENT.epochSeconds * 1_000);
    expect(await isOfOneMoment()).to.equal(second);
  });

  it("finds a label's service, and hears when a label is taken", async () => {
    const labels: [string, bigint][] = [];
    directory.onLabel((label, number) => labels.push([label, number]));
    expect(await directory.numberOf("weather")).to.equal(7n);
    expect(await directory.numberOf("free")).to.equal(undefined);
    chain.answers.numberOf = () => 9n;
    expect(await directory.numberOf("free"), "remembered").to.equal(undefined);
    happens("LabelSet", { number: 9n, label: "free" });
    await nextBlock();
    expect(labels).to.deep.equal([["free", 9n]]);
    expect(await directory.numberOf("free")).to.equal(9n);
  });

  it("lets one caller give up without taking the read from the others", async () => {
    const stop = new AbortController();
    const impatient = directory.rootKey(7n, stop.signal);
    const patient = directory.rootKey(7n);
    const reason = new Error("enough");
    stop.abort(reason);
    expect(await failureOf(impatient)).to.equal(reason);
    expect(await patient).to.deep.equal({ key: OLD, active: true });
  });
});
