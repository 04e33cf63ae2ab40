import type { Address, Hex, TransactionReceipt } from "viem";
import type { BlockcloudError } from "../../protocol/errors.ts";
import type { Fees } from "./fees.ts";

/** A transaction's content without its fees. */
export interface Payload {
  /** For the log: the contract's function. */
  name: string;
  to: Address;
  data: Hex;
  /** Wei of ether; a contract call sends none. */
  value?: bigint;
  gas: bigint;
}

/** A signed transaction that was sent. */
export interface Signed {
  hash: Hex;
  raw: Hex;
  fees: Fees;
}

/** A used nonce, and its sent transactions, of which at most one is mined. */
export class Flight {
  readonly nonce: number;
  readonly payload: Payload;
  readonly urgent: boolean;
  /** Oldest first; never empty once in the outbox. */
  readonly signed: Signed[] = [];
  /** Whether a caller waits for it. Without a caller its nonce may be reused. */
  isWanted = true;
  /** The newest block when it was last sent. */
  sentAt = 0n;
  /** The time of the last check, monotonic milliseconds. */
  seenTo = 0;
  /** When its nonce was first found used without any of its transactions known to an endpoint. */
  lostAt: { block: bigint; milliseconds: number } | undefined;
  /** The fees of the last refused replacement: the next one must pay more. */
  refusedFees: Fees | undefined;
  /** Whether a node refused it because of the node's fee cap. */
  isLean = false;
  /** The nodes' last message, unless they accepted it. */
  lastRefusal: string | undefined;
  wasHeldUp = false;
  outcome: TransactionReceipt | BlockcloudError | undefined;

  constructor(nonce: number, payload: Payload, urgent: boolean) {
    this.nonce = nonce;
    this.payload = payload;
    this.urgent = urgent;
  }

  get newest(): Signed {
    const newest = this.signed.at(-1);
    if (newest === undefined) throw new Error("No transaction was signed for this nonce.");
    return newest;
  }

  /** The fees that a replacement must exceed. */
  get fees(): Fees {
    return this.refusedFees ?? this.newest.fees;
  }
}
