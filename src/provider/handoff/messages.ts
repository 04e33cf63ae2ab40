import { createHash } from "node:crypto";
import type { Hex } from "viem";
import * as z from "zod";
import { bytesToHex, hexToBytes } from "../../protocol/bytes.ts";
import { MAX_RECORD_BYTES } from "../../protocol/record.ts";
import { handoffError } from "./errors.ts";

/** The version of the channel's messages. */
export const VERSION = 1;

/** Hexadecimal digits of a number of bytes. */
function hexOf(bytes: number, most = bytes) {
  const form = new RegExp(`^0x(?:[0-9a-f]{2}){${bytes},${most}}$`);
  return z
    .string()
    .regex(form)
    .transform((text) => text as Hex);
}
const MAX_SERVICES = 1_000;
/** A payload of RESUME. */
const MAX_RESUME_BYTES = 128;

/** The first message, by the process that listens. */
export const helloSchema = z.strictObject({ version: z.literal(VERSION), nonce: hexOf(32) });

/** A claim to be a process of a service: `Handoff`, signed by one of the service's keys. */
const proofSchema = z.strictObject({ serviceId: hexOf(32), signature: hexOf(65) });
const proofsSchema = z
  .array(proofSchema)
  .min(1)
  .max(2 * MAX_SERVICES);
const peerSchema = z.strictObject({
  address: z.string().max(64),
  port: z.int().min(0).max(65_535),
});

/** What a process asks of the one that listens. */
export const firstSchema = z.discriminatedUnion("ask", [
  /** Gives itself up to the process that asks. */
  z.strictObject({
    ask: z.literal("take"),
    nonce: hexOf(32),
    issuedAt: z.int().min(0),
    proofs: proofsSchema,
  }),
  /** Goes on with a session over this connection. */
  z.strictObject({
    ask: z.literal("resume"),
    token: hexOf(32),
    serviceId: hexOf(32),
    peer: peerSchema,
    channel: hexOf(32),
    payload: hexOf(0, MAX_RESUME_BYTES),
  }),
  /** How it stands; for the operator. */
  z.strictObject({ ask: z.literal("status") }),
]);
export type First = z.infer<typeof firstSchema>;
export type Take = Extract<First, { ask: "take" }>;
export type ResumeRequest = Extract<First, { ask: "resume" }>;

/** The other side of the proof; the duties are given up later, because that takes a moment. */
export const provedSchema = z.strictObject({
  issuedAt: z.int().min(0),
  proofs: proofsSchema,
  /** The right to pass links on. */
  token: hexOf(32),
});

const serviceSchema = z.strictObject({
  serviceId: hexOf(32),
  instance: hexOf(8),
  /** Where it listens; undefined if it does not any more. */
  listen: z.strictObject({ host: z.string().max(64), port: z.int().min(1).max(65_535) }).optional(),
  /** The move that it has followed; 0: none. */
  move: z.int().min(0),
  /** What it may charge to tabs of the service. */
  holdings: z.array(z.unknown()).max(20_000),
});
/** The service as the process that gives it up has left it. */
export type GivenService = z.infer<typeof serviceSchema>;

/** The duties are given up, and the lock is free: one of the processes that want the place takes it. */
export const releasedSchema = z.strictObject({ released: z.literal(true) });

/** The process that has the lock asks for the rest: it alone may. */
export const claimSchema = z.strictObject({ say: z.literal("claim") });

/** What the process leaves to the one that has the lock. */
export const givenSchema = z.strictObject({
  given: z.literal(true),
  /** When the process began to serve, Unix milliseconds. */
  since: z.number(),
  pid: z.int(),
  services: z.array(serviceSchema).max(MAX_SERVICES),
});
export type Given = z.infer<typeof givenSchema>;

/** What the new process says later. */
export const laterSchema = z.discriminatedUnion("say", [
  /** It serves a service: new clients are its own from now on. */
  z.strictObject({ say: z.literal("serving"), serviceId: hexOf(32) }),
  /** There are more processes in a row than there may be. */
  z.strictObject({ say: z.literal("expire") }),
  z.strictObject({ say: z.literal("books"), serviceId: hexOf(32), message: z.unknown() }),
]);
export type Later = z.infer<typeof laterSchema>;

/** What the old process says later: it concerns the books of a service. */
export const booksSchema = z.strictObject({ serviceId: hexOf(32), message: z.unknown() });

/** The answer to `resume`, before the session's own bytes. */
export const resumeAnswerSchema = z.strictObject({ found: z.boolean() });

/** How a line to a relay stands. */
const relaySchema = z.strictObject({
  relay: z.string(),
  observed: peerSchema.optional(),
  visitors: z.int(),
  failure: z.string().optional(),
});

/** How a process stands; for the operator. */
export const statusSchema = z.strictObject({
  pid: z.int(),
  since: z.number(),
  /** `serving`; `given`, when another process has its duties; `tail`, when new clients go there, too. */
  state: z.enum(["serving", "given", "tail"]),
  /** Until when a tail may serve, Unix milliseconds. */
  until: z.number().optional(),
  services: z.array(
    z.strictObject({
      serviceId: hexOf(32),
      sessions: z.int(),
      flows: z.int(),
      /** Sessions by their path; a process of an older version does not say. */
      paths: z.record(z.enum(["direct", "upgraded", "relayed", "away"]), z.int()).optional(),
      relays: z.array(relaySchema).optional(),
      /** The record that was published last. */
      record: hexOf(0, MAX_RECORD_BYTES).optional(),
    }),
  ),
});
export type HandoffStatus = z.infer<typeof statusSchema>;

/**
 * Checks a message.
 *
 * @throws BlockcloudError `HANDOFF_FAILED`.
 */
export function parsed<T>(schema: z.ZodType<T>, message: unknown): T {
  const { success, data, error } = schema.safeParse(message);
  if (success) return data;
  const [issue] = error.issues;
  const where = issue?.path.join(".") ?? "";
  throw handoffError("HANDOFF_FAILED", `The other process sent ${where}: ${issue?.message ?? ""}.`);
}

/** The name of a connection, to which both sides have given a part that nobody else knew before. */
export function channelOf(oldNonce: Hex, newNonce: Hex): Hex {
  const hash = createHash("sha256").update("blockcloud handoff");
  return bytesToHex(hash.update(hexToBytes(oldNonce)).update(hexToBytes(newNonce)).digest());
}
