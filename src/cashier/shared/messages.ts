import * as z from "zod";
import { USES_AT_ONCE } from "../allowance.ts";
import { address, amount, word } from "../fields.ts";

/**
 * The messages between a process that keeps the books of a service, and one that has sessions or requests which are
 * charged to its tabs. They come in order. Amounts are BLOC in wei, as decimal text.
 */

const kind = z.enum(["session", "request"]);
const tab = { payer: address, tab: word };
/** Numbers the questions of a process. */
const id = z.int().min(1);

/** A share of a process in a tab, when the books change hands. */
export const holdingSchema = z.strictObject({
  ...tab,
  session: amount,
  request: amount,
  /** What it has charged, and the books do not know. */
  unsent: amount,
});
export type Holding = z.output<typeof holdingSchema>;
export type HoldingJson = z.input<typeof holdingSchema>;

/** To the process that keeps the books. */
export const toKeeperSchema = z.discriminatedUnion("is", [
  z.strictObject({ is: z.literal("charge"), ...tab, amount, by: kind }),
  /** A larger share for sessions. */
  z.strictObject({ is: z.literal("want"), ...tab, amount }),
  /** What is not charged any more. */
  z.strictObject({ is: z.literal("return"), ...tab, amount, by: kind }),
  z.strictObject({ is: z.literal("reveal"), ...tab, redemption: z.unknown() }),
  z.strictObject({ is: z.literal("credit"), id, redemption: z.unknown() }),
  z.strictObject({ is: z.literal("open"), id, opening: z.unknown() }),
  /** What peers have used of the free allowance; what is given back is negative. */
  z.strictObject({
    is: z.literal("free"),
    epoch: z.int().min(0),
    kind: z.enum(["sums", "more"]),
    total: z.int(),
    uses: z.array(z.tuple([z.string().max(64), z.int(), z.int()])).max(USES_AT_ONCE),
  }),
]);
export type ToKeeper = z.input<typeof toKeeperSchema>;

const stateSchema = z.strictObject({
  ...tab,
  signer: address,
  salt: word,
  limit: amount,
  expiresAt: z.number(),
  charged: amount,
  paid: amount,
  revealed: amount,
  last: z.unknown().optional(),
  /** How much of what this process has charged is counted in `charged`. */
  seen: amount,
  /** What the share for sessions has grown by. */
  more: amount,
});
export type TabStateJson = z.input<typeof stateSchema>;
export type TabState = z.output<typeof stateSchema>;
const failure = z.strictObject({ code: z.string().max(64), message: z.string().max(1_024) });

/** From the process that keeps the books. */
export const fromKeeperSchema = z.discriminatedUnion("is", [
  z.strictObject({ is: z.literal("state"), state: stateSchema }),
  z.strictObject({ is: z.literal("ended"), ...tab, why: failure }),
  z.strictObject({
    is: z.literal("done"),
    id,
    failed: failure.optional(),
    state: stateSchema.optional(),
  }),
  /** The books change hands: what was charged after these sums was not counted. */
  z.strictObject({
    is: z.literal("closed"),
    seen: z.array(z.strictObject({ ...tab, amount })).max(20_000),
  }),
]);
export type FromKeeper = z.input<typeof fromKeeperSchema>;
