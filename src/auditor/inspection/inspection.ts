import type { Address, Hex } from "viem";
import type { ChainTime } from "../../chain/clock.ts";
import type { GradeBounds } from "../../chain/services.ts";
import type { Resolve } from "../../net/resolve.ts";
import type { Timers } from "../../node/timers.ts";
import type { ProbeRequest } from "../../protocol/probe.ts";
import type { ReceiptSigner, SignedReceipt } from "../../protocol/receipt.ts";
import type { Approach } from "./approach.ts";
import type { Fault } from "./responseCheck.ts";
import type { SalParts } from "./salContact.ts";

/** Largest response to a probe, bytes: the size that a gateway buffers. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** One inspection to make. */
export interface Inspection {
  serviceId: Hex;
  /** The service's key of the epoch. */
  key: Address;
  /** The way to the service; over HTTP, the probe's paths begin below the endpoint's own. */
  approach: Approach;
  request: ProbeRequest;
  /** Draws a nonce. A session over several links has one for each, as every client's has. */
  nonce: () => Hex;
  /** Over the SAL: whether the session resumes once before the response is read. */
  resumes: boolean;
  bounds: GradeBounds;
  /** Time limit, milliseconds; `bounds.poorMs` is the maximum. */
  timeMs: number;
  /** The range in which a receipt must be dated, Unix milliseconds. */
  issuedWithin: { from: number; to: number };
  allowLoopback: boolean;
}

export interface InspectDependencies {
  timers: Timers;
  receipts: ReceiptSigner;
  /** The auditor's own view of the chain. */
  time: Pick<ChainTime, "head" | "now">;
  /** Default: the system's name servers. */
  resolve?: Resolve | undefined;
  /** Without it, the auditor does not speak the SAL. */
  sal?: SalParts | undefined;
}

/** What a contact with a service showed: what is wrong with the response, or the service's receipt. */
export type Contact = { fault: Fault } | { receipt: SignedReceipt };
