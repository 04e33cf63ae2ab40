/** What a transaction paid, by the events of its receipt. */
import { parseEventLogs, type TransactionReceipt } from "viem";
import { proofOfServiceAbi } from "../../../../src/protocol/abi/proofOfService.ts";
import { settlementAbi } from "../../../../src/protocol/abi/settlement.ts";
import { many } from "../../format.ts";
import type { Result } from "../act.ts";
import { bloc } from "../values.ts";

type Logs = Pick<TransactionReceipt, "logs">;

/**
 * What a settlement paid to a service.
 *
 * @param promised What it would have paid when it was checked, BLOC in wei.
 */
export function settledBy({ logs }: Logs, number: bigint, promised: bigint): Result {
  const events = parseEventLogs({ abi: settlementAbi, eventName: "Settled", logs });
  const rewards = events
    .filter(({ args }) => args.number === number)
    .map(({ args }) => args.reward);
  const paid = sum(rewards);
  if (paid > 0n) return { text: `Done: ${bloc(paid)} paid for ${many(rewards.length, "epoch")}` };
  const text =
    promised > 0n
      ? "Nothing was paid: another account settled these epochs first"
      : "Nothing was paid: the epochs had no pay";
  return { text, isNothing: true };
}

/** What a claim credited to an auditor. */
export function claimedBy({ logs }: Logs): Result {
  const events = parseEventLogs({ abi: proofOfServiceAbi, eventName: "Claimed", logs });
  const credited = sum(events.map(({ args }) => args.reward));
  if (credited > 0n) return { text: `Done: ${bloc(credited)} credited` };
  return { text: "Nothing was credited: the round had no pay, or was claimed", isNothing: true };
}

/** What a collection paid to an auditor's owner. */
export function collectedBy({ logs }: Logs): Result {
  const events = parseEventLogs({ abi: proofOfServiceAbi, eventName: "Collected", logs });
  const paid = sum(events.map(({ args }) => args.amount));
  if (paid > 0n) return { text: `Done: ${bloc(paid)} paid` };
  return { text: "Nothing was paid: another account collected it first", isNothing: true };
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, each) => total + each, 0n);
}
