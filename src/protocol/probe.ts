import { z } from "zod";
import { BlockcloudError } from "./errors.ts";

/** The longest probe specification in bytes. */
export const MAX_PROBE_BYTES = 1024;

const path = z
  .string()
  .regex(/^\/[\x21-\x7e]*$/, "must be an origin-form target that starts with /");
/** No control characters: a value must not smuggle in a header of its own. */
const headerValue = z.string().regex(/^[\x20-\x7e]*$/, "must be printable ASCII");
const jsonCheck = z
  .object({
    /** RFC 6901 pointer into the response. */
    pointer: z.string().regex(/^(\/([^~/]|~[01])*)*$/, "must be a JSON pointer (RFC 6901)"),
    /** The type that the value must have. */
    type: z.enum(["string", "number", "boolean", "object", "array", "null"]).optional(),
    /** The value itself. */
    equals: z.union([z.string(), z.number(), z.boolean(), z.null()]).optional(),
    /** For a string: 0x and hexadecimal digits. */
    hex: z.literal(true).optional(),
  })
  .strict();
const requestSchema = z
  .object({
    method: z.enum(["GET", "POST"]).default("GET"),
    path,
    headers: z.record(z.string().regex(/^[a-z0-9-]+$/), headerValue).default({}),
    body: z.string().optional(),
    status: z.number().int().min(100).max(599).default(200),
    /** SHA-256 of the body, hexadecimal. */
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
    json: z.array(jsonCheck).max(8).optional(),
  })
  .strict();
const probeSchema = z
  .object({ v: z.literal(1), requests: z.array(requestSchema).min(1).max(16) })
  .strict();

/** One check of a JSON response. */
export type JsonCheck = z.infer<typeof jsonCheck>;
/** One request of a probe, and what its answer must be. */
export type ProbeRequest = z.infer<typeof requestSchema>;
/** How to inspect a service: an auditor picks one of the requests at random each time. */
export type ProbeSpecification = z.infer<typeof probeSchema>;
/** What one writes down: defaults left out. */
export type ProbeInput = z.input<typeof probeSchema>;

/** The bytes of a specification, checked. */
export function encodeProbe(probe: ProbeInput): Uint8Array {
  const bytes = new TextEncoder().encode(JSON.stringify(probe));
  parseProbe(bytes);
  return bytes;
}

/**
 * Reads a specification that a stranger wrote.
 *
 * @throws BlockcloudError `PROBE_INVALID`.
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
  const parsed = probeSchema.safeParse(json);
  if (!parsed.success) throw invalidProbe(z.prettifyError(parsed.error), parsed.error);
  return parsed.data;
}

function invalidProbe(what: string, cause?: unknown): BlockcloudError {
  return new BlockcloudError("PROBE_INVALID", `Not a probe specification: ${what}.`, { cause });
}
