import type { SignedReceipt } from "../protocol/receipt.ts";
import type { Grade } from "../protocol/tally.ts";

/** Why an inspection is FAILED, coarse enough to count by. */
export const failureClasses = [
  /** Nothing is published that HTTP can reach. */
  "no_endpoint",
  /** The specification cannot be read, or does not suit the service's class. */
  "no_probe",
  /** An address that auditors do not connect to, or a URL that is none. */
  "refused",
  /** No address, no connection, or one that broke off. */
  "unreachable",
  "tls",
  "timeout",
  /** What came is not HTTP, or more of it than is taken. */
  "protocol",
  "too_large",
  "status",
  /** A coding although identity was asked for. */
  "encoding",
  "body",
  "json",
  /** No answer to the JSON-RPC call, or an error. */
  "rpc",
  /** Older than the auditor's own view of the chain allows. */
  "stale",
  "receipt_missing",
  "receipt",
  /** All is right, but after the last bound. */
  "slow",
] as const;
export type FailureClass = (typeof failureClasses)[number];

/** What came of an inspection. */
export interface Finding {
  grade: Grade;
  /** To the last byte, milliseconds. */
  elapsedMs: number;
  /** Present unless the grade is FAILED. */
  receipt?: SignedReceipt;
  /** Why the grade is FAILED, for the log; strangers had a hand in it. */
  reason?: string;
  /** The same, to count by. */
  failure?: FailureClass;
}

/** The longest reason, characters. */
const MAX_REASON = 200;

/** A finding of FAILED. */
export function failed(failure: FailureClass, reason: string, elapsedMs = 0): Finding {
  return { grade: 0, elapsedMs, failure, reason: reason.slice(0, MAX_REASON) };
}
