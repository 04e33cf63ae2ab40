import * as z from "zod";
import { BlockcloudError } from "./errors.ts";
import { exchangeSchema, type ExchangeProbe } from "./exchange.ts";

/** Largest probe specification, bytes. */
export const MAX_PROBE_BYTES = 1024;
/** The class of services that speak JSON-RPC, by its name on chain. */
const JSON_RPC_CLASS = "json-rpc";
/** The class of services that speak any protocol over flows, by its name on chain. */
const TCP_CLASS = "tcp";
/** The newest version that this software reads. */
const NEWEST_VERSION = 3;

const path = z
  .string()
  .regex(/^\/[\x21-\x7e]*$/, "must be an origin-form target that starts with /");
/** No control characters, so that a value cannot inject another header. */
const headerValue = z.string().regex(/^[\x20-\x7e]*$/, "must be printable ASCII");
const pointer = z.string().regex(/^(\/([^~/]|~[01])*)*$/, "must be a JSON pointer (RFC 6901)");
const jsonCheck = z
  .object({
    /** RFC 6901 pointer into the response. */
    pointer,
    /** The required type of the value. */
    type: z.enum(["string", "number", "boolean", "object", "array", "null"]).optional(),
    /** The required value. */
    equals: z.union([z.string(), z.number(), z.boolean(), z.null()]).optional(),
    /** The value must be a string of 0x and hexadecimal digits. */
    hex: z.literal(true).optional(),
  })
  .strict();
const headers = z.record(z.string().regex(/^[a-z0-9-]+$/), headerValue).default({});
const jsonChecks = z.array(jsonCheck).max(8).optional();
const httpSchema = z
  .object({
    method: z.enum(["GET", "POST"]).default("GET"),
    path,
    headers,
    body: z.string().optional(),
    status: z.number().int().min(100).max(599).default(200),
    /** SHA-256 of the body, hexadecimal. */
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
    json: jsonChecks,
  })
  .strict();
const freshCheck = z
  .object({
    /** RFC 6901 pointer to a number, in decimal or as 0x and hexadecimal digits. */
    pointer,
    /** The number is a block of the auditor's own chain, at most this many blocks from its newest one. */
    blocks: z.number().int().min(0).max(1_000_000).optional(),
    /** The number is a time, Unix seconds, at most this many seconds from the auditor's chain time. */
    seconds: z.number().int().min(1).max(1_000_000_000).optional(),
  })
  .strict()
  .refine(
    ({ blocks, seconds }) => (blocks === undefined) !== (seconds === undefined),
    "must bound either blocks or seconds",
  );
const rpcSchema = z
  .object({
    path: path.default("/"),
    headers,
    /** A JSON-RPC 2.0 call. */
    rpc: z
      .object({
        method: z.string().min(1).max(128),
        params: z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]).optional(),
      })
      .strict(),
    json: jsonChecks,
    fresh: freshCheck.optional(),
  })
  .strict();

const writtenOutCall = z.object({ jsonrpc: z.literal("2.0"), method: z.string() });

/** The first released version; it never changes. */
const version1 = z
  .object({ v: z.literal(1), requests: z.array(httpSchema).min(1).max(16) })
  .strict();
/** Adds JSON-RPC calls. Software that knows only version 1 refuses the whole specification, as it must. */
const version2 = z
  .object({
    v: z.literal(2),
    requests: z
      .array(z.union([httpSchema, rpcSchema]))
      .min(1)
      .max(16),
  })
  .strict();
/** Adds exchanges of bytes over the SAL. */
const version3 = z
  .object({
    v: z.literal(NEWEST_VERSION),
    requests: z
      .array(z.union([httpSchema, rpcSchema, exchangeSchema]))
      .min(1)
      .max(16),
  })
  .strict();
const probeSchema = z.discriminatedUnion("v", [version1, version2, version3]);
/** What a specification of any later version has. */
const laterVersion = z.object({ v: z.number().int().gt(NEWEST_VERSION) });

/** One check of a JSON response. */
export type JsonCheck = z.infer<typeof jsonCheck>;
/** A literal HTTP request, and the requirements on its response. */
export type HttpProbe = z.infer<typeof httpSchema>;
/** A JSON-RPC call, and the requirements on its response. */
export type RpcProbe = z.infer<typeof rpcSchema>;
/** How old the data of a JSON-RPC service may be. */
export type FreshCheck = z.infer<typeof freshCheck>;
/** One request of a probe, and the requirements on its response. */
export type ProbeRequest = HttpProbe | RpcProbe | ExchangeProbe;
/** How to inspect a service: an auditor picks one of the requests at random each time. */
export type ProbeSpecification = z.infer<typeof probeSchema>;
/** A specification as users write it: without defaults. */
export type ProbeInput = z.input<typeof probeSchema>;

/** Describes a request: `GET /health`, `POST / eth_blockNumber`, `exchange at port 5432`. */
export function requestLine(request: ProbeRequest): string {
  if ("expect" in request) return `exchange at port ${request.port}`;
  return "rpc" in request
    ? `POST ${request.path} ${request.rpc.method}`
    : `${request.method} ${request.path}`;
}

/** What a class needs of each request, for people. */
const needs = {
  call: { what: "a JSON-RPC call", example: '{"v":2,"requests":[{"rpc":{"method":"..."}}]}' },
  exchange: { what: "an exchange", example: '{"v":3,"requests":[{"port":7,"expect":"..."}]}' },
};

/**
 * Checks a specification and encodes it.
 *
 * @param className The class of the service that it is for.
 * @throws BlockcloudError `PROBE_INVALID`; `PROBE_UNSUITABLE` if it does not suit the class, so that every
 *   inspection would fail.
 */
export function encodeProbe(probe: ProbeInput, className?: string): Uint8Array {
  const bytes = new TextEncoder().encode(JSON.stringify(probe));
  const parsed = parseProbe(bytes);
  if (className !== undefined && !suitsClass(parsed, className)) {
    const { what, example } = className === TCP_CLASS ? needs.exchange : needs.call;
    throw new BlockcloudError(
      "PROBE_UNSUITABLE",
      `In the class ${className} each request of a probe must be ${what}.`,
      { remedy: `Write ${example}, or choose another class.` },
    );
  }
  return bytes;
}

/**
 * Parses a specification of a stranger.
 *
 * @throws BlockcloudError `PROBE_INVALID`; `PROBE_VERSION` for a version that this software does not know, which says
 *   nothing about the service.
 */
export function parseProbe(bytes: Uint8Array): ProbeSpecification {
  if (bytes.length === 0 || bytes.length > MAX_PROBE_BYTES) {
    throw invalidProbe(`${bytes.length} bytes; 1 to ${MAX_PROBE_BYTES} are allowed`);
  }
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalidProbe("not JSON", cause);
  }
  const later = laterVersion.safeParse(json);
  if (later.success) {
    throw new BlockcloudError(
      "PROBE_VERSION",
      `Version ${later.data.v} of probe specifications is not known here; ${NEWEST_VERSION} is the newest.`,
      { remedy: "Update this software, or write an older version." },
    );
  }
  const parsed = probeSchema.safeParse(json);
  if (!parsed.success) throw invalidProbe(z.prettifyError(parsed.error), parsed.error);
  return parsed.data;
}

/**
 * Whether a specification suits the class of its service. In a class named `json-rpc` each request must be a
 * JSON-RPC call, in the form of version 2 or written out as a POST. In a class named `tcp` each must be an exchange.
 * Other classes accept any request.
 */
export function suitsClass(probe: ProbeSpecification, className: string): boolean {
  if (className === TCP_CLASS) return probe.requests.every((request) => "expect" in request);
  if (className !== JSON_RPC_CLASS) return true;
  return probe.requests.every(
    (request) => "rpc" in request || (!("expect" in request) && isWrittenOutCall(request)),
  );
}

/** Whether a request is a POST whose body is a call, as version 1 had to express it. */
function isWrittenOutCall({ method, body = "" }: HttpProbe): boolean {
  if (method !== "POST") return false;
  try {
    return writtenOutCall.safeParse(JSON.parse(body)).success;
  } catch {
    return false;
  }
}

function invalidProbe(what: string, cause?: unknown): BlockcloudError {
  return new BlockcloudError("PROBE_INVALID", `Not a probe specification: ${what}.`, { cause });
}
