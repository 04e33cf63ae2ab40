import type { TransactionReceipt } from "viem";
import type { Call } from "../chain/transactions/call.ts";
import type { Moment } from "../chain/views/contracts.ts";

/** One call that is due on chain. */
export interface Chore {
  duty: string;
  call: Call;
  /** What the keeper receives for it, BLOC in wei; 0 for work that pays nobody who calls. */
  reward: bigint;
  /** What it is about, for the log. */
  about: Record<string, unknown>;
  /** Whether a transaction did it: for calls that do not revert where somebody else was first. */
  isDoneBy?: (receipt: TransactionReceipt) => boolean;
}

/**
 * Does what pays, or what the keeper may give away, and leaves the rest. Resolves also when somebody else
 * was first: whether a chore is done, the chain says.
 */
export type Offer = (chores: readonly Chore[]) => Promise<void>;

/** One kind of work. A round of it is bounded; what is left waits for the next one. */
export interface KeeperDuty {
  readonly name: string;
  run(moment: Moment, offer: Offer, signal: AbortSignal): Promise<void>;
}
