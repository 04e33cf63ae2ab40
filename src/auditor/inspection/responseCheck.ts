import { bytesToHex } from "../../protocol/bytes.ts";
import type { HttpProbe, JsonCheck } from "../../protocol/probe.ts";
import { sha256 } from "../../protocol/receipt.ts";
import type { FailureClass } from "./finding.ts";

/** A fault in a response: its class and the reason. */
export type Fault = readonly [FailureClass, string];

/** The parts of a response that are checked. */
export interface ProbeResponse {
  status: number;
  body: Buffer;
}

/** The fault in the response to a plain request; undefined if it is as the probe expects. */
export function httpFault(request: HttpProbe, answer: ProbeResponse): Fault | undefined {
  const { status, body } = answer;
  if (status !== request.status) return ["status", `status ${status} instead of ${request.status}`];
  if (request.sha256 !== undefined && bytesToHex(sha256(body)) !== `0x${request.sha256}`) {
    return ["body", "an unexpected body"];
  }
  if (request.json === undefined) return undefined;
  const json = parseJson(body);
  return json === undefined ? ["json", "no JSON"] : jsonFault(request.json, json);
}

/** Parses a body; undefined if it is not JSON. */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    // The parser's error about a stranger's bytes is not needed: they are not JSON.
    return undefined;
  }
}

/** The first check that fails. */
export function jsonFault(checks: readonly JsonCheck[], json: unknown): Fault | undefined {
  const check = checks.find((wanted) => !holds(wanted, json));
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

/**
 * Resolves a pointer by RFC 6901. It follows own properties only, so that no pointer leaves the parsed value.
 */
export function resolvePointer(json: unknown, pointer: string): unknown {
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
