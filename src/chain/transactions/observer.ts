import type { TransactionReceipt } from "viem";
import type { Call } from "./call.ts";

/** Observes a worker's transactions. */
export interface TransactionObserver {
  /** It is in a block, perhaps reverted. */
  mined(call: Pick<Call, "functionName">, receipt: TransactionReceipt): void;
  /** It was refused, or its outcome is unknown. */
  failed(call: Pick<Call, "functionName">, error: unknown): void;
}
