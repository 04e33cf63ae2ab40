import type { Address, Hex } from "viem";
import { drawKey, drawnWeight, expectedWeight } from "../../../../src/protocol/sortition.ts";
import { lanesOf, verdictOf } from "../../../../src/protocol/tally.ts";
import { shownChunk, shownCommitment } from "./calldata.ts";
import { same, sumOf, type Fact, type RawChain, type Row } from "./chain.ts";

const GRADES = ["failed", "poor", "good", "excellent"] as const;
/** Weight that a shard counts. */
const MOST = 15;

interface Report {
  fact: Fact;
  epoch: number;
  shard: number;
  chunk: number;
  /** By lane, the grade; undefined where there is no vote. */
  votes: (number | undefined)[];
  weight: number;
  counted: number;
}

/** The reveals of the chain, with what can be read of them. */
export interface Audits {
  reveals: readonly { fact: Fact; count: number | undefined }[];
  reports: readonly Report[];
  /** Epochs in which votes were revealed that no calldata shows. */
  unread: ReadonlySet<number>;
}

export async function readAudits(chain: RawChain): Promise<Audits> {
  const reveals: { fact: Fact; count: number | undefined }[] = [];
  const reports: Report[] = [];
  const unread = new Set<number>();
  for (const fact of chain.all("proofOfService.Revealed")) {
    const [auditor, epoch] = [fact.text("auditor") as Address, fact.int("epoch")];
    const chunk = shownChunk(chain, fact);
    reveals.push({ fact, count: chunk?.count });
    if (chunk === undefined) unread.add(epoch);
    const at = chain.finalBlock(epoch);
    const [seed] = await chain.view<[Hex]>("proofOfService", "seedOf", [epoch], at);
    const stake = await chain.view<bigint>("staking", "auditorStakeAt", [auditor, epoch]);
    const [, , total] = await chain.view<[bigint, bigint, bigint]>("staking", "totalsAt", [epoch]);
    for (const word of chunk?.words ?? []) {
      const shard = chunk!.base + Number(word >> 240n);
      const y = drawKey(seed, chunk!.secret, auditor);
      const weight = drawnWeight(y, shard, expectedWeight(stake, total));
      const before = reports
        .filter((each) => each.epoch === epoch && each.shard === shard)
        .reduce((sum, each) => sum + each.counted, 0);
      const votes = lanesOf(word).map((counts) => {
        const grade = counts.indexOf(1);
        return grade === -1 ? undefined : grade;
      });
      const counted = Math.min(weight, MOST - before);
      reports.push({ fact, epoch, shard, chunk: fact.int("index"), votes, weight, counted });
    }
  }
  return { reveals, reports, unread };
}

export function recountReports({ reports }: Audits): Row[] {
  return reports.map(({ fact, epoch, shard, chunk, votes, weight, counted }) => ({
    ...{ epoch, shard: BigInt(shard), auditor: fact.text("auditor"), chunk },
    votes: votes.map((grade) => (grade === undefined ? "-" : `${grade}`)).join(""),
    ...{ weight, counted, time: fact.time, transaction: fact.hash },
  }));
}

export async function recountShards(chain: RawChain, audits: Audits): Promise<Row[]> {
  const keys = new Set(audits.reports.map(({ epoch, shard }) => `${epoch}/${shard}`));
  return Promise.all(
    [...keys].map(async (key) => {
      const [epoch, shard] = key.split("/").map(Number) as [number, number];
      const own = audits.reports.filter((each) => each.epoch === epoch && each.shard === shard);
      const counted = own.reduce((sum, each) => sum + each.counted, 0);
      if (!audits.unread.has(epoch)) {
        const tally = await tallyOf(chain, epoch, shard);
        same(`weight of shard ${key}`, Number((tally >> 240n) & 15n), counted);
      }
      return { epoch, shard: BigInt(shard), counted, reports: own.length };
    }),
  );
}

const tallyOf = (chain: RawChain, epoch: number, shard: number) =>
  chain.view<bigint>("proofOfService", "tallyOf", [BigInt(shard), epoch], chain.finalBlock(epoch));

/** A row for each service and audited epoch in which there are votes or a payment. */
export async function recountRounds(chain: RawChain, audits: Audits): Promise<Row[]> {
  const settled = chain.all("settlement.Settled");
  const epochs = new Set([
    ...audits.reports.map(({ epoch }) => epoch),
    ...settled.map((fact) => fact.int("epoch")),
  ]);
  const numbers = chain.all("registry.ServiceRegistered").map((fact) => fact.big("number"));
  const rows = await Promise.all(
    [...epochs].flatMap((epoch) =>
      numbers.map((number) => {
        const isIt = (fact: Fact) => fact.int("epoch") === epoch && fact.big("number") === number;
        return recountRound(chain, audits, { number, epoch, paid: settled.find(isIt) });
      }),
    ),
  );
  return rows.filter((row) => row !== undefined);
}

async function recountRound(
  chain: RawChain,
  audits: Audits,
  { number, epoch, paid }: { number: bigint; epoch: number; paid: Fact | undefined },
): Promise<Row | undefined> {
  const [slot, active] = await chain.view<[number, boolean]>("registry", "auditAt", [
    ...[number, epoch],
  ]);
  const [shard, lane] = [Math.floor((slot - 1) / 15), (slot - 1) % 15];
  const votes = active
    ? audits.reports.filter(
        (each) => each.epoch === epoch && each.shard === shard && each.votes[lane] !== undefined,
      )
    : [];
  if (votes.length === 0 && paid === undefined) return undefined;
  const counts = GRADES.map((_, grade) =>
    votes.filter((each) => each.votes[lane] === grade).reduce((sum, each) => sum + each.counted, 0),
  );
  let verdict: number | null = verdictOf(counts);
  if (!audits.unread.has(epoch) && active) {
    const tally = await tallyOf(chain, epoch, shard);
    for (const grade of GRADES.keys()) {
      const count = Number((tally >> BigInt(lane * 16 + grade * 4)) & 15n);
      same(`grade ${grade} of service ${number} in epoch ${epoch}`, count, counts[grade]);
    }
    const at = chain.finalBlock(epoch);
    const args = [number, epoch];
    const [found, quorate] = await chain.view<[number, boolean]>(
      "settlement",
      "verdictOf",
      args,
      at,
    );
    verdict = quorate ? found : null;
  }
  return {
    ...{ number, epoch },
    shard: votes.length === 0 ? null : BigInt(shard),
    lane: votes.length === 0 ? null : lane,
    ...Object.fromEntries(GRADES.map((name, grade) => [name, counts[grade]])),
    ...{ votes: votes.length, verdict },
    settledGrade: paid?.int("grade") ?? null,
    reward: paid?.big("reward") ?? null,
    settledAt: paid?.time ?? null,
  };
}

/** The rounds of the auditors. */
export async function recountAuditorRounds(chain: RawChain, audits: Audits): Promise<Row[]> {
  const claimEpochs = await chain.view<number>("proofOfService", "CLAIM_EPOCHS");
  return Promise.all(
    chain.all("proofOfService.Committed").map(async (committed) => {
      const [auditor, epoch] = [committed.text("auditor"), committed.int("epoch")];
      const isIt = (fact: Fact) => fact.text("auditor") === auditor && fact.int("epoch") === epoch;
      const reveals = audits.reveals.filter(({ fact }) => isIt(fact));
      const claims = chain.all("proofOfService.Claimed").filter(isIt);
      const report = chain.all("proofOfService.Reported").find(isIt);
      const counts = reveals.map(({ count }) => count);
      // The first reveal by which all chunks are shown; the first at all while no calldata says how many there are.
      const last = reveals.find((_, index) => {
        const known = counts.slice(0, index + 1).find((count) => count !== undefined);
        return known === undefined || known === index + 1;
      });
      const chunks = counts.find((count) => count !== undefined) ?? null;
      const paid = chunks === null ? claims[0] : claims[chunks - 1];
      const at = chain.finalBlock(epoch);
      const args = [auditor, epoch];
      const view = chain.view<[boolean, number, bigint]>("proofOfService", "roundOf", args, at);
      const [, revealed, bits] = await view;
      same(`chunks of ${auditor} in ${epoch}`, revealed, reveals.length);
      same("claims before the time to claim", bits, 0n);
      const state = report ? "reported" : paid ? "claimed" : last ? "revealed" : "committed";
      return {
        ...{ auditor, epoch, state },
        commitment: shownCommitment(committed),
        ...{ committedAt: committed.time, committedBlock: committed.block, chunks },
        ...{ chunksRevealed: reveals.length, chunksClaimed: claims.length },
        votes: Number(
          sumOf(
            reveals.map(({ fact }) => fact),
            "votes",
          ),
        ),
        paidVotes: Number(sumOf(claims, "paidVotes")),
        reward: sumOf(claims, "reward"),
        ...{ claimFrom: epoch + 2, claimBy: epoch + 1 + claimEpochs },
        revealedAt: last?.fact.time ?? null,
        claimedAt: paid?.time ?? null,
        reporter: report?.text("reporter") ?? null,
      };
    }),
  );
}

/** Votes of an epoch that no calldata shows. */
export function unreadVotes({ reveals }: Audits, epoch: number): number {
  const unread = reveals.filter(
    ({ fact, count }) => fact.int("epoch") === epoch && count === undefined,
  );
  return Number(
    sumOf(
      unread.map(({ fact }) => fact),
      "votes",
    ),
  );
}
