import type { Address, Hex } from "viem";
import type { GradeBounds } from "../../chain/services.ts";
import type { ChainTime } from "../../chain/clock.ts";
import { callService } from "../../net/callService.ts";
import type { Resolve } from "../../net/resolve.ts";
import type { Timers } from "../../node/timers.ts";
import { checkReceipt } from "../../protocol/checkReceipt.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { ProbeRequest } from "../../protocol/probe.ts";
import { decodeReceipt, type ReceiptSigner } from "../../protocol/receipt.ts";
import type { Grade } from "../../protocol/tally.ts";
import { httpFault, type ProbeResponse, type Fault } from "./responseCheck.ts";
import { failed, type FailureClass, type Finding } from "./finding.ts";
import { chainView, rpcFault, writeCall } from "./jsonRpc.ts";

/** Largest response to a probe, bytes: the size that a gateway buffers. */
const MAX_BODY_BYTES = 1024 * 1024;

/** The failure class for each error of an outbound request. */
const FAILURES: Readonly<Record<string, FailureClass>> = {
  NET_REFUSED: "refused",
  NET_TIMEOUT: "timeout",
  NET_TOO_LARGE: "too_large",
  NET_TLS: "tls",
  NET_PROTOCOL: "protocol",
  NET_FAILED: "unreachable",
  NET_CODING: "encoding",
  RECEIPT_MALFORMED: "receipt",
  RECEIPT_SERVICE: "receipt",
  RECEIPT_NONCE: "receipt",
  RECEIPT_CHANNEL: "receipt",
  RECEIPT_TIME: "receipt",
  RECEIPT_KEY: "receipt",
};

/** One inspection to make. */
export interface Inspection {
  serviceId: Hex;
  /** The service's key of the epoch. */
  key: Address;
  /** URL that the service published; the probe's paths begin below its own. */
  endpoint: string;
  request: ProbeRequest;
  nonce: Hex;
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
  resolve?: Resolve;
}

/**
 * Inspects a service once, on a new connection: sends a request as any client would, checks the response and
 * the receipt, and grades the time to the last byte. Whatever the service does, the result is a finding.
 */
export async function inspect(
  inspection: Inspection,
  dependencies: InspectDependencies,
  signal: AbortSignal,
): Promise<Finding> {
  const { timers, receipts, time } = dependencies;
  const { bounds } = inspection;
  const started = timers.monotonic();
  const elapsed = () => timers.monotonic() - started;
  try {
    const question = ask(inspection.request, time);
    const { response, receipt, channel } = await callService(
      {
        endpoint: inspection.endpoint,
        path: inspection.request.path,
        method: question.method,
        headers: question.headers,
        body: question.body,
        nonce: inspection.nonce,
      },
      {
        timeMs: Math.min(bounds.poorMs, inspection.timeMs),
        maxBytes: MAX_BODY_BYTES,
        allowLoopback: inspection.allowLoopback,
      },
      signal,
      dependencies.resolve,
    );
    const elapsedMs = elapsed();
    const fault = question.fault(response);
    if (fault !== undefined) return failed(...fault, elapsedMs);
    if (receipt === undefined) return failed("receipt_missing", "no receipt", elapsedMs);
    const signed = decodeReceipt(receipt);
    checkReceipt(signed, { ...inspection, channel: channel() }, receipts);
    const grade = gradeOf(elapsedMs, bounds);
    if (grade === 0) {
      return failed("slow", `a response after ${Math.round(elapsedMs)} ms`, elapsedMs);
    }
    return { grade, elapsedMs, receipt: signed };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BlockcloudError) {
      return failed(FAILURES[error.code] ?? "protocol", error.message, elapsed());
    }
    if (error instanceof TypeError) {
      return failed("refused", `the request cannot be made: ${error.message}`, elapsed());
    }
    throw error;
  }
}

/** The bytes to send for a probe's request, and the check of the response. */
interface Question {
  method: string;
  headers: Record<string, string>;
  body: Buffer;
  fault(answer: ProbeResponse): Fault | undefined;
}

function ask(request: ProbeRequest, time: InspectDependencies["time"]): Question {
  if (!("rpc" in request)) {
    const { method, headers, body = "" } = request;
    return {
      method,
      headers,
      body: Buffer.from(body),
      fault: (answer) => httpFault(request, answer),
    };
  }
  const { id, body } = writeCall(request);
  const before = chainView(time);
  return {
    method: "POST",
    headers: { ...request.headers, "content-type": "application/json" },
    body,
    fault: (answer) => rpcFault(request, id, answer, { before, after: chainView(time) }),
  };
}

/** The grade of a time to the last byte. */
export function gradeOf(elapsedMs: number, bounds: GradeBounds): Grade {
  if (elapsedMs <= bounds.excellentMs) return 3;
  if (elapsedMs <= bounds.goodMs) return 2;
  return elapsedMs <= bounds.poorMs ? 1 : 0;
}

/** The median of a vote's inspections. */
export function medianGrade(findings: readonly Finding[]): Grade {
  const sorted = findings.map((finding) => finding.grade).sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
