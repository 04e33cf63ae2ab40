import type { Hex } from "viem";
import type { Finding } from "./finder.ts";
import type { ResponderOptions } from "./responder.ts";
import type { DnsObserver } from "./tally.ts";

/** What a thread is started with. */
export interface ThreadData {
  listen: { host: string; port: number };
  answersPerSecond: number;
  responder: ResponderOptions;
}

/** What a thread says. */
export type FromThread =
  | { kind: "listening" }
  /** It cannot listen, or failed later. */
  | { kind: "failed"; message: string }
  /** A question that it has no answer for. */
  | { kind: "find"; id: number; labels: readonly string[]; type: number; questionClass: number }
  | { kind: "answered"; args: Parameters<DnsObserver["answered"]> }
  | { kind: "took"; args: Parameters<DnsObserver["took"]> }
  | { kind: "limited"; args: Parameters<DnsObserver["limited"]> };

/** What a thread is told. */
export type ToThread =
  /** With the chain's time, Unix milliseconds, by which the finding expires. */
  | { kind: "found"; id: number; finding: Finding; now: number }
  | { kind: "changed"; serviceId: Hex }
  | { kind: "stop" };
