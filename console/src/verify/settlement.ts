/** Pay of services by their verdicts (docs/protocol.md, 3.8). */
import { epochAt, RING, type EpochTiming } from "../../../src/protocol/epoch.ts";
import { CARRY_EPOCHS, providerPay } from "../../../src/protocol/pay.ts";
import type { Grade } from "../../../src/protocol/tally.ts";
import type { Book } from "./book.ts";
import type { Contracts } from "../chain/contracts.ts";
import { argsOf, numberTopic, topicOf } from "./events.ts";
import { whileKnown, type About, type Figures } from "./figures.ts";
import type { Rounds } from "./rounds.ts";
import type { Source } from "./source.ts";

/** The pay of a service in the epoch. */
export interface ServicePay {
  number: bigint;
  slot: number;
  /** The verdict, or one of an epoch before in its place; null if there is none. */
  grade: Grade | null;
  /** The epoch whose verdict it is. */
  gradedIn: number;
  /** By the recount, BLOC in wei. */
  due: bigint;
  /** Whether a settlement has paid it. */
  settled: boolean;
}

export interface SettlementTerms {
  epoch: number;
  timing: EpochTiming;
  book: Book;
  figures: Figures;
  /** The providers' budget of the epoch, BLOC in wei. */
  budget: bigint;
  activeStake: bigint;
  /** The rounds of the epoch and of those before it; undefined for an epoch without a seed. */
  roundsOf(epoch: number): Promise<Rounds | undefined>;
}

/**
 * Recounts what the epoch pays to each active service, and compares it with the settlements up to a block.
 *
 * @param range From the first block in which the epoch is final.
 * @param viewAt The last block whose state still has the epoch.
 */
export async function recountSettlement(
  source: Source,
  contracts: Contracts,
  terms: SettlementTerms,
  range: { from: bigint; to: bigint },
  viewAt: bigint,
): Promise<{ pays: ServicePay[]; left: bigint }> {
  const { epoch, timing, book, figures, budget, activeStake } = terms;
  const { settlement } = contracts;
  const pays = new Map<bigint, ServicePay>();
  for (const { number, slot, counted } of book.activeIn(epoch).values()) {
    const [grade, gradedIn] = await gradeOf(number, slot, terms);
    const due = grade === null ? 0n : providerPay(budget, counted, activeStake, grade);
    pays.set(number, { number, slot, grade, gradedIn, due, settled: false });
  }
  let left = budget;
  const filter = {
    address: [settlement.address],
    topics: [[topicOf(settlement.abi, "Settled")], null, [numberTopic(epoch)]],
  };
  for await (const log of source.logs(filter, range.from, range.to)) {
    const said = argsOf(log, settlement, "Settled");
    const about = (what: string): About => ({ what, epoch, party: `service ${said.number}` });
    const pay = pays.get(said.number);
    const { timestamp } = await source.block(log.blockNumber);
    if (pay !== undefined && isForgotten(pay, epochAt(timing, timestamp))) {
      figures.skip(
        about("pay of a service"),
        "the verdict that it carries was overwritten meanwhile",
      );
      left -= said.reward;
      pay.settled = true;
      continue;
    }
    figures.check(about("grade of a service"), pay?.grade ?? "none", said.grade);
    const due = pay?.due ?? 0n;
    const reward = due < left ? due : left;
    left -= reward;
    figures.check(about("pay of a service"), reward, said.reward);
    figures.check(about("pay of a service once"), false, pay?.settled ?? true);
    if (pay !== undefined) pay.settled = true;
  }
  await whileKnown(figures, { what: "pay of a service", epoch }, () =>
    missing(source, contracts, terms, [...pays.values()], viewAt),
  );
  return { pays: [...pays.values()].sort((a, b) => Number(a.number - b.number)), left };

  /** A settlement so late that the ring may hold a younger tally than the one that is carried. */
  function isForgotten({ gradedIn }: ServicePay, settledIn: number): boolean {
    return gradedIn < epoch && settledIn > gradedIn + RING;
  }
}

/** The verdict that pays: the epoch's own, or the newest one of the epochs before. */
async function gradeOf(
  number: bigint,
  slot: number,
  { epoch, book, roundsOf }: SettlementTerms,
): Promise<[Grade | null, number]> {
  for (let back = 0; back <= CARRY_EPOCHS && epoch - back > 0; back++) {
    const graded = epoch - back;
    const place = back === 0 ? slot : slotIn(book, graded, number);
    if (place === undefined) continue;
    const verdict = (await roundsOf(graded))?.verdict(place);
    if (verdict !== undefined && verdict !== null) return [verdict, graded];
  }
  return [null, epoch];
}

function slotIn(book: Book, epoch: number, number: bigint): number | undefined {
  return [...book.activeIn(epoch).values()].find((service) => service.number === number)?.slot;
}

/** Finds pay that is due, was passed over by a settlement, and has no event. */
async function missing(
  source: Source,
  { settlement }: Contracts,
  { epoch, figures }: SettlementTerms,
  pays: readonly ServicePay[],
  block: bigint,
): Promise<void> {
  const unpaid = pays.filter(({ settled, grade }) => !settled && grade !== null);
  await source.each(unpaid, async ({ number, due }) => {
    const about = { what: "pay of a service", epoch, party: `service ${number}` };
    const through = await source.read(settlement, "settledThrough", [number], block);
    if (through < epoch)
      figures.skip(about, "it was not settled while the contracts knew its verdict");
    else figures.check(about, due, "no settlement");
  });
}
