import type { Hex } from "viem";
import { AUDITS, enrolledAuditors } from "./auditors.ts";
import { distinct, FAR, same, sumOf, type Fact, type RawChain, type Row } from "./chain.ts";
import { unreadVotes, type Audits } from "./rounds.ts";

/** Events with a parameter `epoch`: the audited one. */
const AUDITED = [
  ...["Ticked", "Committed", "Revealed", "Claimed", "Reported"].map((n) => `proofOfService.${n}`),
  ...["settlement.Settled", "rewardPool.Reserved"],
];
/** Events that count in the epoch of their block. */
const WHILE = [
  ...AUDITS,
  ...["Deposited", "Withdrawn", "Redeemed", "Collected"].map((name) => `cashier.${name}`),
  ...["registry.ServiceRegistered", "challengeBook.ChallengeOpened"],
  ...["staking.ServiceSlashed", "staking.AuditorSlashed"],
];

interface Counted {
  audits: Audits;
  rounds: readonly Row[];
  auditorRounds: readonly Row[];
}

export function recountEpochs(chain: RawChain, counted: Counted): Promise<Row[]> {
  const epochs = new Set([
    ...chain.all(...AUDITED).map((fact) => fact.int("epoch")),
    ...chain.all(...WHILE).map((fact) => chain.epochOf(fact)),
  ]);
  return Promise.all([...epochs].map((epoch) => recountEpoch(chain, epoch, counted)));
}

async function recountEpoch(
  chain: RawChain,
  epoch: number,
  { audits, rounds, auditorRounds }: Counted,
): Promise<Row> {
  const of = (name: string) => chain.all(name).filter((fact) => fact.int("epoch") === epoch);
  const during = (...names: string[]) =>
    chain.all(...names).filter((fact) => chain.epochOf(fact) === epoch);
  const verdicts = rounds.filter((row) => row.epoch === epoch).map(({ verdict }) => verdict);
  const grade = (wanted: number) => verdicts.filter((verdict) => verdict === wanted).length;
  const own = auditorRounds.filter((row) => row.epoch === epoch);
  const [claimed, settled] = [of("proofOfService.Claimed"), of("settlement.Settled")];
  const transactions = distinct(during(...AUDITS), ({ hash }) => hash).map((hash) =>
    chain.facts.find((fact) => fact.hash === hash)!,
  );
  const slashes = during("staking.ServiceSlashed", "staking.AuditorSlashed");
  return {
    epoch,
    startsAt: await chain.view("registry", "epochStart", [epoch]),
    ...(await recountTick(chain, epoch, of("proofOfService.Ticked")[0])),
    committed: own.length,
    revealed: own.filter(({ revealedAt }) => revealedAt !== null).length,
    claimed: own.filter(({ claimedAt }) => claimedAt !== null).length,
    reported: own.filter(({ reporter }) => reporter !== null).length,
    votes: Number(sumOf(of("proofOfService.Revealed"), "votes")),
    paidVotes: Number(sumOf(claimed, "paidVotes")),
    unreadVotes: unreadVotes(audits, epoch),
    ...{ failed: grade(0), poor: grade(1), good: grade(2), excellent: grade(3) },
    auditorsPaid: sumOf(claimed, "reward"),
    providersPaid: sumOf(settled, "reward"),
    settledServices: settled.length,
    auditGas: transactions.reduce((sum, { gasUsed }) => sum + gasUsed, 0n),
    auditFees: transactions.reduce((sum, fact) => sum + fact.gasUsed * fact.gasPrice, 0n),
    auditTransactions: transactions.length,
    votesRevealed: Number(sumOf(during("proofOfService.Revealed"), "votes")),
    deposited: sumOf(during("cashier.Deposited"), "amount"),
    withdrawn: sumOf(during("cashier.Withdrawn"), "amount"),
    redeemed: sumOf(during("cashier.Redeemed"), "amount"),
    redemptions: during("cashier.Redeemed").length,
    collected: sumOf(during("cashier.Collected"), "paid"),
    fees: sumOf(during("cashier.Collected"), "fee"),
    registered: during("registry.ServiceRegistered").length,
    challenged: during("challengeBook.ChallengeOpened").length,
    slashed: sumOf(slashes, "amount"),
  };
}

/** What the contracts say of an epoch in the block of its tick; later the ring may hold another epoch. */
async function recountTick(chain: RawChain, epoch: number, ticked: Fact | undefined): Promise<Row> {
  const block = ticked?.block ?? chain.head;
  const [seed] = await chain.view<[Hex]>("proofOfService", "seedOf", [epoch], block);
  same(`whether epoch ${epoch} has a seed`, BigInt(seed) !== 0n, ticked !== undefined);
  const budget = chain.view<[bigint, bigint, bigint]>("proofOfService", "budgetOf", [epoch], block);
  const [auditors, , contributed] = await budget;
  const [providers] = await chain.view<[bigint]>("settlement", "budgetOf", [epoch], block);
  const totals = chain.view<[bigint, bigint, bigint]>("staking", "totalsAt", [epoch]);
  const [active, services, enrolled] = await totals;
  const bounty = chain.all("rewardPool.Paid").filter(({ hash }) => hash === ticked?.hash);
  return {
    seed: ticked === undefined ? null : seed,
    ...{ tickedAt: ticked?.time ?? null, tickedBlock: ticked?.block ?? null },
    ...{ providersBudget: providers, auditorsBudget: auditors, contributed },
    bounty: sumOf(bounty, "amount"),
    activeStake: ticked === undefined ? 0n : active,
    enrolledStake: ticked === undefined ? 0n : enrolled,
    activeServices: ticked === undefined ? 0 : Number(services),
  };
}

export async function recountNetwork(chain: RawChain, services: readonly Row[]): Promise<Row[]> {
  const sum = (name: string, field: string) => sumOf(chain.all(name), field);
  const stakes = await Promise.all(
    services.map(({ number }) => chain.view<[bigint]>("staking", "serviceStakeAt", [number, FAR])),
  );
  const auditors = await enrolledAuditors(chain);
  const closesAt = await chain.view<bigint>("registry", "closesAt");
  const slashed = ["staking.ServiceSlashed", "staking.AuditorSlashed"];
  return [
    {
      id: "network",
      services: Number(await chain.view("registry", "serviceCount")),
      retiredServices: services.filter(({ status }) => status === "Retired").length,
      auditors: auditors.count,
      serviceStake: stakes.reduce((total, [stake]) => total + stake, 0n),
      auditorStake: auditors.stake,
      poolPaid: sum("rewardPool.Paid", "amount"),
      contributed: sum("rewardPool.Contributed", "amount"),
      returned: sum("rewardPool.Released", "amount"),
      newestSeed: await chain.view("proofOfService", "newestSeed"),
      deposited: sum("cashier.Deposited", "amount"),
      withdrawn: sum("cashier.Withdrawn", "amount"),
      redeemed: sum("cashier.Redeemed", "amount"),
      fees: sum("cashier.Collected", "fee"),
      feesBurned: sum("cashier.FeesForwarded", "burned"),
      feesContributed: sum("cashier.FeesForwarded", "contributed"),
      slashed: sumOf(chain.all(...slashed), "amount"),
      openChallenges: services.filter(({ openChallenge }) => openChallenge !== null).length,
      closesAt: closesAt === 0n ? null : closesAt,
    },
  ];
}
