import type { TransactionReceipt } from "viem";
import type { Call } from "../chain/transactions/call.ts";
import type { Moment } from "../chain/views/contracts.ts";

/** A call that is due on chain. */
export interface Chore {
  duty: string;
  call: Call;
  /** The keeper's reward, BLOC in wei; 0 for unprofitable work. */
  reward: bigint;
  /** The subject, for the log. */
  about: Record<string, unknown>;
  /** Whether a transaction had the effect, for calls that do not revert if another account was first. */
  isDoneBy?: (receipt: TransactionReceipt) => boolean;
}

/**
 * Sends the profitable chores, and the others within the budget. Resolves also if another account was first: the
 * chain says whether a chore is done.
 */
export type Offer = (chores: readonly Chore[]) => Promise<void>;

/** One kind of work. A round is bounded; the remaining work waits for the next round. */
export interface KeeperDuty {
  readonly name: string;
  run(moment: Moment, offer: Offer, signal: AbortSignal): Promise<void>;
}
