import { expect } from "chai";
import { getAddress, keccak256, stringToHex, type Hex } from "viem";
import { Services } from "../../src/chain/services.ts";
import { bytesToHex } from "../../src/protocol/bytes.ts";
import { encodeProbe, type ProbeInput } from "../../src/protocol/probe.ts";
import { DEPLOYMENT, FakeChain } from "../support/fakeChain.ts";
import { failureOf } from "../support/httpClient.ts";
import { rejection } from "../support/rejection.ts";

const KEY = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
const BLOCK = 40;
const probe = (path: string): Hex => {
  const input: ProbeInput = { v: 1, requests: [{ path }] };
  return bytesToHex(encodeProbe(input));
};
const kind = {
  name: stringToHex("http", { size: 32 }),
  minimumStake: 1_000n,
  maximumStake: 100_000n,
  registrationFee: 10n,
  open: true,
  verifier: getAddress(DEPLOYMENT.contracts.staking),
  excellentMs: 500,
  goodMs: 2_000,
  poorMs: 10_000,
};

describe("Services", () => {
  let chain: FakeChain;
  let services: Services;
  let specification: Hex;
  /** Which slot a service holds: another than its number says. */
  let slotOf: (number: bigint) => number;

  beforeEach(() => {
    chain = new FakeChain();
    services = new Services(chain.client, DEPLOYMENT);
    slotOf = (number) => (number <= 10n ? 0 : Number(number) - 10);
    specification = probe("/health");
    chain.answers.auditAt = (number: bigint) => [slotOf(number), true, KEY];
    chain.answers.slotOf = slotOf;
    chain.answers.serviceCount = () => 60n;
    chain.answers.classOf = () => 1;
    chain.answers.classAt = () => kind;
    chain.answers.probeAt = () => [keccak256(specification), BigInt(BLOCK)];
  });

  function emit(value: Hex, number = 7n, block = BLOCK): void {
    chain.logs.push({ block, eventName: "ProbeSet", args: { number, since: 3, probe: value } });
  }

  it("reads the lanes of a shard as the services that hold its slots", async () => {
    for (const number of [41n, 44n, 55n]) emit(specification, number);
    chain.answers.activeLanes = (shard: bigint, epoch: number) =>
      shard === 2n && epoch === 9 ? (1n << 0n) | (1n << 3n) | (1n << 14n) : 0n;
    const found = await services.active(2, 9);
    expect(found.map(({ number, slot }) => [number, slot])).to.deep.equal([
      [41n, 31],
      [44n, 34],
      [55n, 45],
    ]);
    expect(await services.active(1, 9)).to.deep.equal([]);
  });

  it("reads the slots once, and anew where a service has taken another's", async () => {
    for (const number of [41n, 61n]) emit(specification, number);
    chain.answers.activeLanes = (shard: bigint) => (shard === 2n ? 1n : 0n);
    let asked = 0;
    chain.answers.slotOf = (number: bigint) => {
      asked += 1;
      return slotOf(number);
    };
    await services.active(2, 9);
    await services.active(2, 9);
    expect(asked, "once for each service").to.equal(60);
    // Service 41 left long ago, and a new one holds its slot.
    chain.answers.serviceCount = () => 61n;
    slotOf = (number) => (number === 61n ? 31 : 0);
    chain.answers.slotOf = slotOf;
    chain.answers.auditAt = (number: bigint) => [slotOf(number), true, KEY];
    expect((await services.active(2, 300)).map(({ number }) => number)).to.deep.equal([61n]);
  });

  it("says where the endpoint knows no holder of an active slot", async () => {
    chain.answers.activeLanes = () => 1n << 14n;
    const error = await rejection("SLOT_UNKNOWN", services.active(9, 9));
    expect(error.retryable).to.equal(true);
  });

  it("asks the registry whether one service is active", async () => {
    chain.answers.auditAt = (number: bigint) => [0, number === 34n, KEY];
    expect(await services.isActive(34n, 9)).to.equal(true);
    expect(await services.isActive(35n, 9)).to.equal(false);
  });

  it("counts services", async () => {
    chain.answers.serviceCount = () => 12n;
    expect(await services.count()).to.equal(12n);
  });

  it("reads a class, its name without the padding", async () => {
    expect(await services.classAt(1)).to.deep.equal({ ...kind, name: "http" });
  });

  it("gives an auditor all that it needs of a service, as it counts in the epoch", async () => {
    emit(specification);
    const epochs: number[] = [];
    chain.answers.auditAt = (number: bigint, epoch: number) => {
      expect(number).to.equal(7n);
      epochs.push(epoch);
      return [5, true, KEY];
    };
    const audited = await services.audited(7n, 9);
    expect(audited).to.deep.include({ number: 7n, slot: 5, key: KEY, classId: 1 });
    expect(audited.bounds).to.include({ excellentMs: 500, goodMs: 2_000, poorMs: 10_000 });
    expect(audited.probe?.requests[0]).to.include({ path: "/health" });
    expect(epochs).to.deep.equal([9]);
  });

  it("finds the specification by its hash among others of the same block", async () => {
    emit(probe("/before"));
    emit(specification);
    emit(probe("/after"));
    emit(specification, 8n);
    expect((await services.audited(7n, 9)).probe?.requests[0]).to.include({ path: "/health" });
  });

  it("asks for one block and one service only", async () => {
    emit(specification);
    await services.audited(7n, 9);
    const asked = chain.requests.filter(({ method }) => method === "eth_getLogs");
    expect(asked).to.have.length(1);
    const [{ fromBlock, toBlock, topics }] = asked[0]?.params as [Record<string, unknown>];
    expect([fromBlock, toBlock]).to.deep.equal(["0x28", "0x28"]);
    expect(topics).to.have.length(2);
  });

  it("may find a missing event later: the endpoint may lag behind", async () => {
    emit(probe("/other"));
    const error = await rejection("PROBE_MISSING", services.audited(7n, 9));
    expect(error.retryable).to.equal(true);
    emit(specification);
    expect((await services.audited(7n, 9)).probe).not.to.equal(undefined);
  });

  it("says so if a specification is of a version of tomorrow: that says nothing about the service", async () => {
    specification = stringToHex('{"v":4,"of":["tomorrow"]}');
    emit(specification);
    await rejection("PROBE_VERSION", services.audited(7n, 9));
  });

  it("takes an unreadable specification as none", async () => {
    specification = stringToHex("not JSON");
    emit(specification);
    expect((await services.audited(7n, 9)).probe).to.equal(undefined);
  });

  it("reads a class and a specification once", async () => {
    emit(specification);
    await Promise.all([services.audited(7n, 9), services.audited(7n, 9)]);
    const before = chain.requests.length;
    await services.audited(7n, 10);
    expect(chain.requests.length - before, "key, class and hash may change").to.equal(3);
    expect(chain.asked("eth_getLogs")).to.equal(1);
  });

  it("reads a changed specification anew", async () => {
    emit(specification);
    await services.audited(7n, 9);
    specification = probe("/moved");
    emit(specification);
    expect((await services.audited(7n, 10)).probe?.requests[0]).to.include({ path: "/moved" });
  });

  it("never remembers a failure", async () => {
    chain.answers.classAt = () => {
      throw new Error("overloaded");
    };
    expect((await failureOf(services.classAt(1))).message).to.contain("overloaded");
    chain.answers.classAt = () => kind;
    expect((await services.classAt(1)).name).to.equal("http");
  });
});
