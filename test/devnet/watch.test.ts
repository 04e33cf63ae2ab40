import { expect } from "chai";
import { missing } from "../../devnet/watch.ts";
import type { Verdict } from "../../src/protocol/tally.ts";

type Run = Parameters<typeof missing>[0];

const FIRST = 10;

/** A run with one auditor, whose round of the first epoch is claimed, and two services. */
function run(epoch: number, verdict: Verdict, settled: readonly bigint[]): Run {
  const clock = {
    timing: { genesis: 0, epochSeconds: 12 },
    head: () => ({ timestamp: epoch * 12 + 1 }),
  };
  const monitor = {
    round: () => ({ claimed: true, committed: true }),
    settlement: (number: bigint) =>
      settled.includes(number) ? { grade: 3, reward: 1n } : undefined,
    verdict: () => Promise.resolve(verdict),
  };
  const services = [{ number: 1n }, { number: 2n }];
  return { clock, monitor, services, auditors: [{}], first: FIRST } as unknown as Run;
}

describe("missing", () => {
  it("names the epoch that the run waits for before and during the audits", async () => {
    expect(await missing(run(FIRST - 1, null, []), FIRST)).to.match(/^epoch 10, from which/);
    expect(await missing(run(FIRST, null, []), FIRST)).to.equal("the first audits");
  });

  it("counts what is not settled yet", async () => {
    expect(await missing(run(FIRST + 2, 3, [1n]), FIRST)).to.match(/^0 claims and 1 settlements/);
    expect(await missing(run(FIRST + 1, null, [1n]), FIRST)).to.match(/ and 1 settlements/);
    expect(await missing(run(FIRST + 2, 3, [1n, 2n]), FIRST)).to.equal(undefined);
  });

  it("waits for no settlement of a final epoch without a quorum: there will be none", async () => {
    expect(await missing(run(FIRST + 2, null, []), FIRST)).to.equal(undefined);
  });
});
