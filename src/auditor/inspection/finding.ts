import type { SignedReceipt } from "../../protocol/receipt.ts";
import type { Grade } from "../../protocol/tally.ts";
import type { Transport } from "../../protocol/transport.ts";

/** Classes of reasons for FAILED, for counting. */
export const failureClasses = [
  /** No endpoint is published over which the request can be made. */
  "no_endpoint",
  /** The specification cannot be read, or does not suit the service's class. */
  "no_probe",
  /** An address that auditors do not connect to, or an invalid URL. */
  "refused",
  /** No address, no connection, or a connection that was cut off. */
  "unreachable",
  "tls",
  "timeout",
  /** The response is not HTTP, or is too large. */
  "protocol",
  "too_large",
  "status",
  /** A coding although identity was requested. */
  "encoding",
  "body",
  "json",
  /** No response to the JSON-RPC call, or an error. */
  "rpc",
  /** Data is older than the auditor's own view of the chain allows. */
  "stale",
  /** The service does not offer the port of an exchange. */
  "port",
  /** Other bytes than the exchange expects, or too few. */
  "bytes",
  "receipt_missing",
  "receipt",
  /** All checks pass, but after the last time bound. */
  "slow",
] as const;
export type FailureClass = (typeof failureClasses)[number];

/** The result of an inspection. */
export interface Finding {
  grade: Grade;
  /** The transport over which the service was inspected; undefined if none was used. */
  transport?: Transport;
  /** Whether the endpoint says that it leads through a relay: a claim, which has no part in the grade. */
  isRelayed?: boolean;
  /** Time from the first packet to the last byte, milliseconds. */
  elapsedMs: number;
  /** Present unless the grade is FAILED. */
  receipt?: SignedReceipt;
  /** Why the grade is FAILED, for the log; it may contain text of strangers. */
  reason?: string;
  /** The class of the reason, for counting. */
  failure?: FailureClass;
}

/** Longest reason, characters. */
const MAX_REASON = 200;

/** A finding of FAILED. */
export function failed(failure: FailureClass, reason: string, elapsedMs = 0): Finding {
  return { grade: 0, elapsedMs, failure, reason: reason.slice(0, MAX_REASON) };
}
