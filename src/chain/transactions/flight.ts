import type { Address, Hex, TransactionReceipt } from "viem";
import type { BlockcloudError } from "../../protocol/errors.ts";
import type { Fees } from "./fees.ts";

/** What a transaction does, whatever it pays. */
export interface Payload {
  /** For the log: the contract's function. */
  name: string;
  to: Address;
  data: Hex;
  gas: bigint;
}

/** A transaction as it was handed out. */
export interface Signed {
  hash: Hex;
  raw: Hex;
  fees: Fees;
}

/** A nonce that was used: the transactions handed out for it, of which one will be mined. */
export class Flight {
  readonly nonce: number;
  readonly payload: Payload;
  readonly urgent: boolean;
  /** Oldest first; never empty once in the outbox. */
  readonly signed: Signed[] = [];
  /** Whether somebody waits for it. Its nonce is free to be used otherwise when nobody does. */
  isWanted = true;
  /** Newest block when it was handed out last. */
  sentAt = 0n;
  /** When it was last seen to, by the monotonic timer, milliseconds. */
  seenTo = 0;
  /** When its nonce was first found used, and no endpoint knew a transaction of ours for it. */
  lostAt: { block: bigint; milliseconds: number } | undefined;
  /** What the last replacement was refused with: the next must pay more. */
  refusedFees: Fees | undefined;
  /** Whether a node refused it for paying more than it allows. */
  isLean = false;
  /** What nodes said of it the last time, unless they took it. */
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
    if (newest === undefined) throw new Error("Nothing was signed for this nonce.");
    return newest;
  }

  /** What a replacement must outbid. */
  get fees(): Fees {
    return this.refusedFees ?? this.newest.fees;
  }
}
