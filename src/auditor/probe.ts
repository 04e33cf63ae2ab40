import type { Address, Hex } from "viem";
import type { GradeBounds } from "../chain/services.ts";
import { netRequest } from "../net/request.ts";
import type { Timers } from "../node/timers.ts";
import { bytesToHex } from "../protocol/bytes.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { JsonCheck, ProbeRequest } from "../protocol/probe.ts";
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
import { failed, type FailureClass, type Finding } from "./finding.ts";

/** The longest answer to a probe, bytes: what a gateway buffers. */
const MAX_BODY_BYTES = 1024 * 1024;

/** One inspection to make. */
export interface Inspection {
  serviceId: Hex;
  /** The service's key of the epoch. */
  key: Address;
  /** Base URL that the service published. */
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

/**
 * Inspects a service once, on a fresh connection: asks as any client would, checks the answer and the
 * receipt, and grades the time to the last byte. What the other side does can only lead to a finding.
 */
export async function inspect(
  inspection: Inspection,
  dependencies: { timers: Timers; receipts: ReceiptSigner },
  signal: AbortSignal,
): Promise<Finding> {
  const { timers, receipts } = dependencies;
  const { request, bounds } = inspection;
  const started = timers.monotonic();
  const elapsed = () => timers.monotonic() - started;
  try {
    const url = targetOf(inspection.endpoint, request.path);
    const body = Buffer.from(request.body ?? "");
    const answer = await netRequest(
      {
        method: request.method,
        url,
        headers: {
          ...request.headers,
          "accept-encoding": "identity",
          [NONCE_HEADER]: inspection.nonce,
        },
        body,
      },
      {
        timeMs: Math.min(bounds.poorMs, inspection.timeMs),
        maxBytes: MAX_BODY_BYTES,
        allowLoopback: inspection.allowLoopback,
      },
      signal,
    );
    const elapsedMs = elapsed();
    const header = answer.headers[RECEIPT_HEADER] ?? answer.trailers[RECEIPT_HEADER];
    const channel = httpChannel({
      method: request.method,
      target: url.pathname + url.search,
      requestDigest: sha256(body),
      status: answer.status,
      responseDigest: sha256(answer.body),
    });
    const fault = checkAnswer(request, answer.status, answer.body);
    if (fault !== undefined) return failed(...fault, elapsedMs);
    if (typeof header !== "string") return failed("receipt_missing", "no receipt", elapsedMs);
    const receipt = decodeReceipt(header);
    const wrong = checkReceipt(receipt, channel, inspection, receipts);
    if (wrong !== undefined) return failed("receipt", wrong, elapsedMs);
    const grade = gradeOf(elapsedMs, bounds);
    if (grade === 0)
      return failed("slow", `an answer after ${Math.round(elapsedMs)} ms`, elapsedMs);
    return { grade, elapsedMs, receipt };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BlockcloudError) {
      return failed(FAILURES[error.code] ?? "protocol", error.message, elapsed());
    }
    if (error instanceof TypeError)
      return failed("refused", `no such request can be made: ${error.message}`, elapsed());
    throw error;
  }
}

/** The path at the endpoint's own host, whatever the path looks like; no credentials. */
function targetOf(endpoint: string, path: string): URL {
  const { protocol, host } = new URL(endpoint);
  return new URL(`${protocol}//${host}${path}`);
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

/** What is wrong with an answer: its class and the reason. */
type Fault = readonly [FailureClass, string];

function checkAnswer(request: ProbeRequest, status: number, body: Buffer): Fault | undefined {
  if (status !== request.status) return ["status", `status ${status} instead of ${request.status}`];
  if (request.sha256 !== undefined && bytesToHex(sha256(body)) !== `0x${request.sha256}`) {
    return ["body", "another body than expected"];
  }
  if (request.json === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(body.toString("utf8"));
  } catch {
    return ["json", "no JSON"];
  }
  const check = request.json.find((wanted) => !holds(wanted, json));
  return check && ["json", `unexpected JSON at "${check.pointer}"`];
}

function holds(check: JsonCheck, json: unknown): boolean {
  const value = resolvePointer(json, check.pointer);
  if (value === undefined) return false;
  if (check.type !== undefined && check.type !== jsonType(value)) return false;
  if (check.equals !== undefined && check.equals !== value) return false;
  return check.hex !== true || (typeof value === "string" && /^0x[0-9a-f]+$/i.test(value));
}

function jsonType(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** RFC 6901; own properties only. */
function resolvePointer(json: unknown, pointer: string): unknown {
  return pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce<unknown>((value, token) => {
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, token)) {
        return undefined;
      }
      return (value as Record<string, unknown>)[token];
    }, json);
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

/** What an error of the way out means for the service. */
const FAILURES: Readonly<Record<string, FailureClass>> = {
  NET_REFUSED: "refused",
  NET_TIMEOUT: "timeout",
  NET_TOO_LARGE: "too_large",
  NET_FAILED: "unreachable",
  RECEIPT_MALFORMED: "receipt",
};
