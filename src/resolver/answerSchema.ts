import { getAddress, isAddress, type Address, type Hex } from "viem";
import * as z from "zod";
import type { Answer, Change } from "./answer.ts";
import { serviceStatuses } from "../protocol/serviceStatus.ts";

/**
 * The JSON of answers and changes. The HTTP front writes it, and clients of another resolver read it.
 * Integers that may exceed 2^53 are decimal strings; times are Unix milliseconds.
 */

/** Largest JSON text of one answer, bytes: record and name record in hexadecimal, and the other fields. */
export const MAX_ANSWER_BYTES = 32 * 1024;

const decimal = z
  .string()
  .regex(/^(0|[1-9]\d{0,77})$/, "must be a decimal number")
  .transform((text) => BigInt(text));
const bytes32 = z
  .string()
  .regex(/^0x[0-9a-f]{64}$/, "must be 0x and 64 lower-case digits")
  .transform((text) => text as Hex);
const signed = (maxBytes: number) =>
  z
    .string()
    .max(2 + 2 * maxBytes)
    .regex(/^0x([0-9a-f]{2})+$/, "must be 0x and lower-case digits")
    .transform((text) => text as Hex);
const address = z
  .string()
  .max(42)
  .refine((text) => isAddress(text, { strict: false }), "must be an address")
  .transform((text): Address => getAddress(text));
const milliseconds = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const uint16 = z.number().int().min(0).max(65_535);

const endpointJson = z.object({
  /** As in a record; or `unix:` and a path for a local socket from the service table. */
  uri: z
    .string()
    .max(512)
    .regex(/^(https?:\/\/|tcp:\/\/|sal:\/\/|unix:\/)[^\s]+$/, "must be an endpoint's URI"),
  priority: uint16,
  weight: uint16,
});

const verdictJson = z.object({
  epoch: z.number().int().min(0).max(0xffff_ffff),
  verdict: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3), z.null()]),
});

const factsJson = z.object({
  number: decimal,
  status: z.enum(serviceStatuses),
  key: address,
  stake: decimal,
  verdicts: z.array(verdictJson).max(64),
  block: decimal,
});

/** An answer in JSON. */
export const answerJsonSchema = z.object({
  serviceId: bytes32,
  name: z.string().max(255).optional(),
  endpoints: z.array(endpointJson).min(1).max(64),
  record: signed(2048).optional(),
  nameRecord: signed(640).optional(),
  issuedAt: milliseconds,
  expiresAt: milliseconds,
  source: z.enum(["coral", "announcement", "resolver", "table"]),
  superseded: z.boolean(),
  service: factsJson.optional(),
});

/** An answer's JSON value: the input of `JSON.stringify`. */
export type AnswerJson = z.input<typeof answerJsonSchema>;

/** A change in JSON: one event of a watch. */
export const changeJsonSchema = z.union([
  z.object({ answer: answerJsonSchema }),
  z.object({ error: z.object({ code: z.string().max(64), message: z.string().max(1024) }) }),
]);

/** One event of a watch, as JSON. */
export type ChangeJson = z.input<typeof changeJsonSchema>;

/**
 * An error in the format of RFC 9457 (`application/problem+json`). `code` is one of `resolveErrors` or of the
 * HTTP front.
 */
export const problemJsonSchema = z.object({
  type: z.string().max(512),
  title: z.string().max(512),
  status: z.number().int().min(100).max(599),
  detail: z.string().max(2048).optional(),
  code: z.string().max(64),
});

/** An error over HTTP. */
export type ProblemJson = z.infer<typeof problemJsonSchema>;

/** Converts an answer to JSON. */
export function answerToJson(answer: Answer): AnswerJson {
  const { serviceId, endpoints, issuedAt, expiresAt, source, superseded } = answer;
  const { name, record, nameRecord, service } = answer;
  return {
    serviceId,
    ...(name !== undefined && { name }),
    endpoints: endpoints.map(({ uri, priority, weight }) => ({ uri, priority, weight })),
    ...(record !== undefined && { record }),
    ...(nameRecord !== undefined && { nameRecord }),
    issuedAt,
    expiresAt,
    source,
    superseded,
    ...(service !== undefined && {
      service: {
        number: service.number.toString(),
        status: service.status,
        key: service.key,
        stake: service.stake.toString(),
        verdicts: service.verdicts.map(({ epoch, verdict }) => ({ epoch, verdict })),
        block: service.block.toString(),
      },
    }),
  };
}

/**
 * Reads an answer from JSON. It checks the form only; `verifyAnswer` checks the content.
 *
 * @throws ZodError for invalid input.
 */
export function answerFromJson(json: unknown): Answer {
  return toAnswer(answerJsonSchema.parse(json));
}

/** Converts a change to JSON. */
export function changeToJson(change: Change): ChangeJson {
  return "answer" in change ? { answer: answerToJson(change.answer) } : change;
}

/**
 * Reads a change from JSON.
 *
 * @throws ZodError for invalid input.
 */
export function changeFromJson(json: unknown): Change {
  const parsed = changeJsonSchema.parse(json);
  return "answer" in parsed ? { answer: toAnswer(parsed.answer) } : parsed;
}

function toAnswer(parsed: z.output<typeof answerJsonSchema>): Answer {
  const { name, record, nameRecord, service, ...rest } = parsed;
  return { ...rest, name, record, nameRecord, service };
}
