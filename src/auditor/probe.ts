import type { Address, Hex } from "viem";
import type { GradeBounds } from "../chain/services.ts";
import type { ChainTime } from "../chain/clock.ts";
import { netRequest } from "../net/request.ts";
import type { Resolve } from "../net/resolve.ts";
import type { Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { ProbeRequest } from "../protocol/probe.ts";
import {
  decodeReceipt,
  httpChannel,
  NONCE_HEADER,
  RECEIPT_HEADER,
  sha256,
  type ReceiptSigner,
  type SignedReceipt,
} from "../protocol/receipt.ts";
import type { Grade } from "../protocol/tally.ts";
import { httpFault, type Answer, type Fault } from "./answer.ts";
import { failed, type FailureClass, type Finding } from "./finding.ts";
import { chainView, rpcFault, writeCall } from "./jsonRpc.ts";

/** The longest answer to a probe, bytes: what a gateway buffers. */
const MAX_BODY_BYTES = 1024 * 1024;

/** What an error of the way out means for the service. */
const FAILURES: Readonly<Record<string, FailureClass>> = {
  NET_REFUSED: "refused",
  NET_TIMEOUT: "timeout",
  NET_TOO_LARGE: "too_large",
  NET_TLS: "tls",
  NET_PROTOCOL: "protocol",
  NET_FAILED: "unreachable",
  RECEIPT_MALFORMED: "receipt",
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
  /** The most time to give, milliseconds; at most `bounds.poorMs` is given. */
  timeMs: number;
  /** Receipts must be dated within, milliseconds. */
  issuedWithin: { from: number; to: number };
  allowLoopback: boolean;
}

export interface InspectDependencies {
  timers: Timers;
  receipts: ReceiptSigner;
  /** The auditor's own view of the chain. */
  time: Pick<ChainTime, "head" | "now">;
  /** Without it, the system's name servers. */
  resolve?: Resolve;
}

/**
 * Inspects a service once, on a fresh connection: asks as any client would, checks the answer and the
 * receipt, and grades the time to the last byte. What the other side does can only lead to a finding.
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
    const url = targetOf(inspection.endpoint, inspection.request.path);
    const question = ask(inspection.request, time);
    const answer = await netRequest(
      {
        method: question.method,
        url,
        headers: {
          ...question.headers,
          "accept-encoding": "identity",
          [NONCE_HEADER]: inspection.nonce,
        },
        body: question.body,
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
    const coding = answer.headers["content-encoding"] ?? "identity";
    if (coding.toLowerCase() !== "identity") {
      return failed("encoding", "a coding although none was asked for", elapsedMs);
    }
    const fault = question.fault(answer);
    if (fault !== undefined) return failed(...fault, elapsedMs);
    const header = answer.headers[RECEIPT_HEADER] ?? answer.trailers[RECEIPT_HEADER];
    if (typeof header !== "string") return failed("receipt_missing", "no receipt", elapsedMs);
    const channel = httpChannel({
      method: question.method,
      target: url.pathname + url.search,
      requestDigest: sha256(question.body),
      status: answer.status,
      responseDigest: sha256(answer.body),
    });
    const receipt = decodeReceipt(header);
    const wrong = checkReceipt(receipt, channel, inspection, receipts);
    if (wrong !== undefined) return failed("receipt", wrong, elapsedMs);
    const grade = gradeOf(elapsedMs, bounds);
    if (grade === 0) {
      return failed("slow", `an answer after ${Math.round(elapsedMs)} ms`, elapsedMs);
    }
    return { grade, elapsedMs, receipt };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BlockcloudError) {
      return failed(FAILURES[error.code] ?? "protocol", error.message, elapsed());
    }
    if (error instanceof TypeError) {
      return failed("refused", `no such request can be made: ${error.message}`, elapsed());
    }
    throw error;
  }
}

/** What goes over the wire for a probe's request, and what is wrong with what comes back. */
interface Question {
  method: string;
  headers: Record<string, string>;
  body: Buffer;
  fault(answer: Answer): Fault | undefined;
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

/**
 * The path below the endpoint's own, at the endpoint's host; no credentials, no query of the endpoint.
 *
 * @throws BlockcloudError `NET_REFUSED` when the path leads out of the endpoint's by dot segments, plain or
 * encoded: another tenant of the host may live there.
 */
function targetOf(endpoint: string, path: string): URL {
  const { protocol, host, pathname } = new URL(endpoint);
  const base = pathname.replace(/\/+$/, "");
  const url = new URL(`${protocol}//${host}${base}${path}`);
  if (base !== "" && !url.pathname.startsWith(`${base}/`)) {
    throw new BlockcloudError("NET_REFUSED", "The probe's path leads out of the endpoint's.");
  }
  return url;
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

function checkReceipt(
  receipt: SignedReceipt,
  channel: Hex,
  inspection: Inspection,
  receipts: ReceiptSigner,
): string | undefined {
  const { from, to } = inspection.issuedWithin;
  if (receipt.serviceId !== inspection.serviceId) return "a receipt of another service";
  if (receipt.nonce !== inspection.nonce) return "a receipt for another nonce";
  if (receipt.channel !== channel) return "a receipt for another answer";
  if (receipt.issuedAt < BigInt(from) || receipt.issuedAt >= BigInt(to)) {
    return "a receipt dated outside the epoch";
  }
  if (receipts.recover(receipt) !== inspection.key) return "a receipt by another key";
  return undefined;
}
