/** Balances that the epoch's pay goes through, counted from all transfers. */
import type { Address } from "viem";
import type { Contracts } from "../chain/contracts.ts";
import { addressTopic, argsOf, isEvent, topicOf } from "./events.ts";
import type { Figures } from "./figures.ts";
import type { Opening } from "./opening.ts";
import { merged } from "./pool.ts";
import type { Source } from "./source.ts";

/** Parties whose balances one recount follows, so that a request stays short. */
const MOST_PARTIES = 200;

interface Range {
  from: bigint;
  to: bigint;
}

/** Recounts the BLOC of holders at a block, and compares it with the token's view. */
export async function compareBalances(
  source: Source,
  { token }: Contracts,
  holders: readonly Address[],
  figures: Figures,
  { opening, to }: { opening: Opening; to: bigint },
): Promise<void> {
  const { from } = opening;
  const followed = holders.slice(0, MOST_PARTIES);
  const balances = new Map<string, bigint>();
  await source.each(followed, async (holder) => {
    balances.set(holder.toLowerCase(), await opening.balanceOf(holder));
  });
  const topics = followed.map(addressTopic);
  const transfer = topicOf(token.abi, "Transfer");
  const of = (places: readonly (typeof topics | null)[]) =>
    source.logs({ address: [token.address], topics: [[transfer], ...places] }, from, to);
  for await (const log of merged([of([topics]), of([null, topics])])) {
    const { from: payer, to: payee, value } = argsOf(log, token, "Transfer");
    move(payer, -value);
    move(payee, value);
  }
  await source.each(followed, async (holder) => {
    const said = await source.read(token, "balanceOf", [holder], to);
    figures.check({ what: "balance", party: holder }, balances.get(holder.toLowerCase()), said);
  });
  for (const holder of holders.slice(MOST_PARTIES)) {
    figures.skip({ what: "balance", party: holder }, `only ${MOST_PARTIES} holders are followed`);
  }

  function move(holder: Address, change: bigint): void {
    const balance = balances.get(holder.toLowerCase());
    if (balance !== undefined) balances.set(holder.toLowerCase(), balance + change);
  }
}

/** Recounts what auditors have earned and not collected, and compares it with the contract's view. */
export async function compareEarnings(
  source: Source,
  { proofOfService }: Contracts,
  auditors: readonly Address[],
  figures: Figures,
  { from, to }: Range,
): Promise<void> {
  const followed = auditors.slice(0, MOST_PARTIES);
  if (followed.length === 0) return;
  const earned = new Map(followed.map((auditor) => [auditor.toLowerCase(), 0n]));
  const names = ["Claimed", "Collected"] as const;
  const topics = [
    names.map((name) => topicOf(proofOfService.abi, name)),
    followed.map(addressTopic),
  ];
  for await (const log of source.logs({ address: [proofOfService.address], topics }, from, to)) {
    const [auditor, change] = isEvent(log, proofOfService, "Claimed")
      ? claimed(argsOf(log, proofOfService, "Claimed"))
      : collected(argsOf(log, proofOfService, "Collected"));
    earned.set(auditor.toLowerCase(), (earned.get(auditor.toLowerCase()) ?? 0n) + change);
  }
  await source.each(followed, async (auditor) => {
    const said = await source.read(proofOfService, "earnedOf", [auditor], to);
    const about = { what: "earned and not collected", party: auditor };
    figures.check(about, earned.get(auditor.toLowerCase()), said);
  });
  for (const party of auditors.slice(MOST_PARTIES)) {
    figures.skip({ what: "earned and not collected", party }, `only ${MOST_PARTIES} are followed`);
  }
}

function claimed({ auditor, reward }: { auditor: Address; reward: bigint }): [Address, bigint] {
  return [auditor, reward];
}

function collected({ auditor, amount }: { auditor: Address; amount: bigint }): [Address, bigint] {
  return [auditor, -amount];
}
