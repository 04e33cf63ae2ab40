import { expect } from "chai";
import type { Address } from "viem";
import type { DemoMove } from "../../src/demo/move.ts";
import type { Monitor } from "../../src/demo/monitor.ts";
import { judge } from "../../src/demo/result.ts";
import type { Verdict } from "../../src/protocol/tally.ts";

const FIRST = 10;
const OWNERS: Address[] = [`0x${"11".repeat(20)}`, `0x${"22".repeat(20)}`];
const OPERATOR: Address = `0x${"33".repeat(20)}`;
const FULL = 100n;

const MOVE: DemoMove = {
  service: 1,
  from: "http://127.0.0.1:1",
  to: "http://127.0.0.1:2",
  milliseconds: 80,
  peers: 3,
  announcements: 0,
};

describe("judge", () => {
  /** Rewards by service and epoch, then by auditor and epoch; undefined: not settled yet. */
  let settled: (number: bigint, epoch: number) => bigint | undefined;
  let earned: (auditor: Address, epoch: number) => bigint;
  let full: bigint;
  let refreshed: bigint;
  let move: DemoMove | undefined;

  beforeEach(() => {
    settled = (number) => (number === 3n ? 40n : FULL);
    earned = () => 5n;
    full = FULL;
    refreshed = 0n;
    move = MOVE;
  });

  function run(epochs?: number) {
    const settlement = (number: bigint, epoch: number) => {
      const reward = settled(number, epoch);
      return reward === undefined ? undefined : { grade: 3, reward };
    };
    const monitor = {
      refresh: async (head: bigint) => {
        refreshed = head;
      },
      settlement,
      settledFrom: (number: bigint, first: number) => {
        let epoch = first;
        while (epoch < 100 && settlement(number, epoch)) epoch += 1;
        return epoch - first;
      },
      fullPay: async () => full,
      verdict: async (number: bigint): Promise<Verdict> => (number === 3n ? 1 : 3),
      round: (auditor: Address, epoch: number) => {
        const reward = earned(auditor, epoch);
        const claimed = reward > 0n;
        return { committed: true, votes: 3, claimed, paidVotes: claimed ? 2 : 0, reward };
      },
      transactions: () => 7,
      gasPerAudit: 61_000,
    } as unknown as Monitor;
    const services = [1n, 2n, 3n].map((number) => ({
      number,
      name: `service ${number}`,
      className: "http" as const,
      stake: 1n,
      healthy: number !== 3n,
    }));
    const auditors = OWNERS.map((owner) => ({ owner, operator: OPERATOR, stake: 9n }));
    const clock = { head: () => ({ number: 77n }) };
    return judge({ monitor, services, auditors, first: FIRST, clock, move }, epochs);
  }

  it("is content when all went as it should, and adds everything up", async () => {
    const result = await run(3);
    expect(result).to.deep.include({ ok: true, epochs: 3, gasPerAudit: 61_000 });
    expect(result.services.map(({ reward }) => reward)).to.deep.equal(["300", "300", "120"]);
    expect(result.services[2]).to.deep.equal({
      number: 3,
      class: "http",
      verdicts: [1, 1, 1],
      reward: "120",
    });
    expect(result.auditors[0]).to.deep.equal({
      address: OWNERS[0],
      stake: "9",
      rounds: 3,
      votes: 9,
      paidVotes: 6,
      reward: "15",
      transactions: 7,
    });
    expect(result.move).to.deep.equal(MOVE);
    expect(JSON.parse(JSON.stringify(result))).to.deep.equal(result);
  });

  it("reads the chain to its head before", async () => {
    await run(3);
    expect(refreshed).to.equal(77n);
  });

  it("counts the epochs that are settled for every service when none were asked for", async () => {
    settled = (number, epoch) => {
      if (epoch >= FIRST + Number(number)) return undefined;
      return number === 3n ? 40n : FULL;
    };
    const result = await run(undefined);
    expect(result).to.include({ ok: true, epochs: 1 });
    expect(result.services.map(({ reward }) => reward)).to.deep.equal(["100", "100", "40"]);
  });

  const wrong: [string, () => void, number?][] = [
    ["no service moved", () => (move = undefined), 3],
    ["the move was announced on chain", () => (move = { ...MOVE, announcements: 1 }), 3],
    ["no epoch was audited", () => (settled = () => undefined)],
    [
      "a healthy service was not paid in full",
      () => (settled = (number) => (number === 3n ? 40n : number === 2n ? FULL - 1n : FULL)),
      3,
    ],
    [
      "a healthy service missed an epoch",
      () =>
        (settled = (number, epoch) =>
          number === 3n ? 40n : epoch === FIRST + 1 ? undefined : FULL),
      3,
    ],
    [
      "a healthy service was paid more than there is",
      () => (settled = (n) => (n === 3n ? 40n : 101n)),
      3,
    ],
    ["the faulty one was paid as much", () => (settled = () => FULL), 3],
    ["the faulty one was paid more than 80%", () => (settled = (n) => (n === 3n ? 81n : FULL)), 3],
    ["an auditor earned nothing", () => (earned = (owner) => (owner === OWNERS[1] ? 0n : 5n)), 3],
    [
      "there was nothing to earn",
      () => {
        settled = () => 0n;
        full = 0n;
      },
      3,
    ],
  ];
  for (const [what, arrange, epochs] of wrong) {
    it(`is not content when ${what}`, async () => {
      arrange();
      expect((await run(epochs)).ok).to.equal(false);
    });
  }

  it("takes exactly 80% for visibly less", async () => {
    settled = (number) => (number === 3n ? 80n : FULL);
    expect((await run(3)).ok).to.equal(true);
  });

  it("is content with an auditor that missed an epoch but earned in another", async () => {
    earned = (owner, epoch) => (owner === OWNERS[1] && epoch > FIRST ? 0n : 5n);
    const result = await run(3);
    expect(result.ok).to.equal(true);
    expect(result.auditors[1]).to.include({ rounds: 1, paidVotes: 2, votes: 9, reward: "5" });
  });
});
