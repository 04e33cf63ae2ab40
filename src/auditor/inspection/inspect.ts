import type { GradeBounds } from "../../chain/services.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { Grade } from "../../protocol/tally.ts";
import { failed, type FailureClass, type Finding } from "./finding.ts";
import type { Contact, InspectDependencies, Inspection } from "./inspection.ts";
import { inspectOverHttp } from "./overHttp.ts";
import { inspectOverSal } from "./overSal.ts";
import type { Fault } from "./responseCheck.ts";

/** The failure class for each error of an inspection. */
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
  SAL_NO_PATH: "unreachable",
  SAL_BUSY: "unreachable",
  SAL_LEAVING: "unreachable",
  SAL_SESSION_LOST: "unreachable",
  SAL_TIMEOUT: "timeout",
  SAL_PROOF: "receipt",
  FLOW_CANCELLED: "unreachable",
  UPSTREAM_FAILED: "unreachable",
  PORT_REFUSED: "port",
  SERVICE_REVOKED: "receipt",
  KEY_CHANGED: "receipt",
  SAL_UNPAID: "status",
};
/** The service and the auditor have no common version of the SAL: like an unknown transport, that is no failure. */
const UNSPOKEN = "SAL_VERSION";

/**
 * Inspects a service once, on a new connection: sends a request as any client would, checks the response and
 * the receipt, and grades the time to the last byte. Whatever the service does, the result is a finding.
 *
 * @returns Undefined if the service speaks only versions of the transport that this auditor does not know.
 */
export async function inspect(
  inspection: Inspection,
  dependencies: InspectDependencies,
  signal: AbortSignal,
): Promise<Finding | undefined> {
  const { timers } = dependencies;
  const { bounds, approach } = inspection;
  const { transport } = approach;
  const started = timers.monotonic();
  const elapsed = () => timers.monotonic() - started;
  const fail = (fault: Fault, elapsedMs = elapsed()): Finding => ({
    ...failed(...fault, elapsedMs),
    transport,
  });
  try {
    const limited = { ...inspection, timeMs: Math.min(bounds.poorMs, inspection.timeMs) };
    const contact = await contactOver(limited, dependencies, signal);
    const elapsedMs = elapsed();
    if ("fault" in contact) return fail(contact.fault, elapsedMs);
    const grade = gradeOf(elapsedMs, bounds);
    if (grade === 0) {
      return fail(["slow", `a response after ${Math.round(elapsedMs)} ms`], elapsedMs);
    }
    return { grade, transport, elapsedMs, receipt: contact.receipt };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BlockcloudError) {
      if (error.code === UNSPOKEN) return undefined;
      return fail([FAILURES[error.code] ?? "protocol", error.message]);
    }
    if (error instanceof TypeError) {
      return fail(["refused", `the request cannot be made: ${error.message}`]);
    }
    throw error;
  }
}

function contactOver(
  inspection: Inspection,
  dependencies: InspectDependencies,
  signal: AbortSignal,
): Promise<Contact> {
  const { request, approach } = inspection;
  if (approach.transport === "sal") return inspectOverSal(inspection, dependencies, signal);
  if ("expect" in request) throw new RangeError("An exchange cannot be made by HTTP.");
  return inspectOverHttp({ ...inspection, request }, dependencies, signal);
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
