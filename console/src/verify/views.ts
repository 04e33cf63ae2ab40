/** Compares an epoch with what the contracts' views say, while the rings hold it. */
import type { Hex } from "viem";
import type { Book } from "./book.ts";
import type { Contracts } from "../chain/contracts.ts";
import type { Figures } from "./figures.ts";
import type { Rounds } from "./rounds.ts";
import type { ServicePay } from "./settlement.ts";
import type { Source } from "./source.ts";

export interface ViewTerms {
  epoch: number;
  seed: Hex;
  rounds: Rounds;
  pays: readonly ServicePay[];
  book: Book;
  figures: Figures;
  /** What is left of both budgets; undefined if the block is not the newest. */
  left: { providers: bigint; auditors: bigint } | undefined;
}

/** Reads the views at a block. */
export async function compareEpochViews(
  source: Source,
  contracts: Contracts,
  terms: ViewTerms,
  block: bigint,
): Promise<void> {
  const { proofOfService, settlement } = contracts;
  const { epoch, seed, rounds, pays, book, figures, left } = terms;
  const about = (what: string, party?: string) =>
    party === undefined ? { what, epoch } : { what, epoch, party };
  const [said, , services] = await source.read(proofOfService, "seedOf", [epoch], block);
  figures.check(about("seed by the view"), seed, said);
  figures.check(about("active services by the view"), book.activeIn(epoch).size, services);
  await source.each(book.shardsIn(epoch), async (shard) => {
    const tally = await source.read(proofOfService, "tallyOf", [BigInt(shard), epoch], block);
    figures.check(about("tally", `shard ${shard}`), rounds.tallies.get(shard) ?? 0n, tally);
  });
  await source.each(pays, async ({ number, slot }) => {
    const [grade, quorate] = await source.read(settlement, "verdictOf", [number, epoch], block);
    const verdict = quorate ? String(grade) : "no quorum";
    const counted = rounds.verdict(slot);
    figures.check(about("verdict", `service ${number}`), counted ?? "no quorum", verdict);
  });
  const auditors = new Set([...book.enrolledIn(epoch).keys(), ...rounds.rounds.keys()]);
  await source.each([...auditors], async (auditor) => {
    const round = rounds.rounds.get(auditor);
    if (round?.reported === true) return;
    const state = await source.read(proofOfService, "roundOf", [auditor, epoch], block);
    const claimed = [...(round?.claimed ?? [])].reduce(
      (bits, index) => bits | (1n << BigInt(index)),
      0n,
    );
    const counted = [round?.commitment !== undefined, round?.chunks.length ?? 0, claimed];
    figures.check(about("round by the view", auditor), counted, state);
  });
  if (left === undefined) return;
  const [, forAuditors] = await source.read(proofOfService, "budgetOf", [epoch], block);
  const [, forProviders] = await source.read(settlement, "budgetOf", [epoch], block);
  figures.check(about("rest of the auditors' budget"), left.auditors, forAuditors);
  figures.check(about("rest of the providers' budget"), left.providers, forProviders);
}
