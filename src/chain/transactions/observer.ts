import type { TransactionReceipt } from "viem";
import type { Call } from "./call.ts";

/** What is told of each transaction that a worker sends. */
export interface TransactionObserver {
  /** It is in a block; reverted ones too. */
  mined(call: Pick<Call, "functionName">, receipt: TransactionReceipt): void;
  /** It was refused, or nobody knows what became of it. */
  failed(call: Pick<Call, "functionName">, error: unknown): void;
}
