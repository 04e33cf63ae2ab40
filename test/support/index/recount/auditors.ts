import { FAR, distinct, orNull, same, sumOf, type Fact, type RawChain, type Row } from "./chain.ts";

/** Stakes that the index keeps of an auditor. */
const STAKES_KEPT = 4;
/** The events whose transactions are those of the audits. */
export const AUDITS = ["Ticked", "Committed", "Revealed", "Claimed", "Collected"].map(
  (name) => `proofOfService.${name}`,
);

export async function recountAuditors(chain: RawChain, rounds: readonly Row[]): Promise<Row[]> {
  const named = chain.all(
    ...["proofOfService.TipRegistered", "proofOfService.OperatorSet"],
    ...["staking.AuditorStakeChanged", "staking.AuditorEnrolled", "staking.AuditorLapsed"],
    ...["staking.AuditorSlashed", "proofOfService.Committed"],
  );
  return Promise.all(
    distinct(named, (fact) => fact.text("auditor")).map((auditor) =>
      recountAuditor(chain, auditor, rounds),
    ),
  );
}

async function recountAuditor(chain: RawChain, auditor: string, rounds: readonly Row[]) {
  const of = (...names: string[]) =>
    chain.all(...names).filter((fact) => fact.text("auditor") === auditor);
  const [operator] = await chain.view<[string]>("proofOfService", "auditorOf", [auditor]);
  const [stake, enrolledSince] = await chain.view<[bigint, number]>("staking", "auditorStake", [
    auditor,
  ]);
  const tip = of("proofOfService.TipRegistered").at(-1);
  const stakes = of("staking.AuditorStakeChanged");
  const enrolment = of("staking.AuditorEnrolled", "staking.AuditorLapsed").at(-1);
  if (enrolledSince !== 0) same("enrolled", enrolledSince, enrolment?.int("since"));
  const committed = of("proofOfService.Committed");
  const revealed = of("proofOfService.Revealed");
  const claimed = of("proofOfService.Claimed");
  const collected = sumOf(of("proofOfService.Collected"), "amount");
  const left = await chain.view<bigint>("proofOfService", "earnedOf", [auditor]);
  same(`pay of ${auditor}`, sumOf(claimed, "reward"), collected + left);
  const newest = (facts: readonly Fact[]) =>
    facts.length === 0 ? null : Math.max(...facts.map((fact) => fact.int("epoch")));
  return {
    auditor,
    operator: orNull(operator),
    tip: tip?.text("tip") ?? null,
    tipSince: tip?.int("since") ?? null,
    stake,
    stakeSince: stakes.at(-1)?.int("since") ?? 0,
    stakes: distinct(stakes, (fact) => fact.int("since"))
      .slice(-STAKES_KEPT)
      .map((since) => {
        const last = stakes.findLast((fact) => fact.int("since") === since)!;
        return [since, String(last.big("stake"))];
      }),
    enrolled: enrolledSince !== 0,
    enrolledSince: enrolment?.int("since") ?? null,
    slashed: sumOf(of("staking.AuditorSlashed"), "amount"),
    ...{ lastCommitted: newest(committed), lastRevealed: newest(revealed) },
    committed: committed.length,
    revealed: rounds.filter((row) => row.auditor === auditor && row.revealedAt !== null).length,
    reported: of("proofOfService.Reported").length,
    votes: Number(sumOf(revealed, "votes")),
    paidVotes: Number(sumOf(claimed, "paidVotes")),
    earned: collected + left,
    collected,
  };
}

/** How an event of an auditor is noted: its kind, and the parameters for `account` and `amount`. */
const AUDITOR_EVENTS: Record<
  string,
  [kind: string, account?: string | undefined, amount?: string]
> = {
  "staking.AuditorStakeChanged": ["stake", undefined, "stake"],
  "staking.AuditorEnrolled": ["enrolled"],
  "staking.AuditorLapsed": ["lapsed"],
  "staking.AuditorSlashed": ["slashed", "prover", "amount"],
  "proofOfService.TipRegistered": ["tip", "operator"],
  "proofOfService.OperatorSet": ["operator", "operator"],
  "proofOfService.Collected": ["collected", undefined, "amount"],
  "proofOfService.Reported": ["reported", "reporter"],
};
/** Those with a parameter `since`. */
const WITH_SINCE = ["stake", "enrolled", "lapsed", "tip"];

export function recountAuditorEvents(chain: RawChain): Row[] {
  return chain.all(...Object.keys(AUDITOR_EVENTS)).map((fact) => {
    const [kind, account, amount] = AUDITOR_EVENTS[fact.name]!;
    return {
      ...{ id: fact.id, auditor: fact.text("auditor"), kind },
      since: WITH_SINCE.includes(kind) ? fact.int("since") : null,
      epoch: chain.epochOf(fact),
      ...fact.place,
      account: account === undefined ? null : fact.text(account),
      amount: amount === undefined ? null : fact.big(amount),
    };
  });
}

export function recountTransactions(chain: RawChain): Row[] {
  const facts = chain.all(...AUDITS);
  return distinct(facts, (fact) => fact.hash).map((hash) => {
    const own = facts.filter((fact) => fact.hash === hash);
    const { from, time, block, gasUsed, gasPrice } = own[0]!;
    const epoch = chain.epochOf({ time });
    const fee = gasUsed * gasPrice;
    return { hash, from, epoch, time, block, gas: gasUsed, fee, events: own.length };
  });
}

export function recountUnbondings(chain: RawChain): Row[] {
  return chain.all("staking.UnbondingStarted").map((fact) => ({
    ...{ id: fact.id, beneficiary: fact.text("beneficiary"), amount: fact.big("amount") },
    ...{ releaseAt: fact.big("releaseAt"), time: fact.time, block: fact.block },
  }));
}

export function recountStakers(chain: RawChain): Row[] {
  const facts = chain.all("staking.UnbondingStarted", "staking.Withdrawn");
  return distinct(facts, (fact) => fact.text("beneficiary")).map((staker) => {
    const of = (name: string) =>
      chain.all(name).filter((fact) => fact.text("beneficiary") === staker);
    return {
      staker,
      unbonded: sumOf(of("staking.UnbondingStarted"), "amount"),
      withdrawn: sumOf(of("staking.Withdrawn"), "amount"),
    };
  });
}

export async function enrolledAuditors(chain: RawChain): Promise<{ count: number; stake: bigint }> {
  const changes = chain.all("staking.AuditorStakeChanged");
  const all = await Promise.all(
    distinct(changes, (fact) => fact.text("auditor")).map(async (auditor) => ({
      stake: await chain.view<[bigint, number]>("staking", "auditorStake", [auditor]),
      counted: await chain.view<bigint>("staking", "auditorStakeAt", [auditor, FAR]),
    })),
  );
  return {
    count: all.filter(({ stake: [, since] }) => since !== 0).length,
    stake: all.reduce((sum, { stake: [stake] }) => sum + stake, 0n),
  };
}
