import { z } from "zod";
import { answerJsonSchema, problemJsonSchema } from "../answerSchema.ts";

/** Names in one request. */
export const MAX_NAMES = 100;
/** Names in one watch. */
export const MAX_WATCHED = 16;
/** The longest request body, bytes: so many names of the longest kind. */
export const MAX_BODY_BYTES = 64 * 1024;

/** A name or an ID as a client writes it; whether it is one is for the resolver to say. */
export const nameSchema = z.string().min(1).max(255);

/** The body of a batch. */
export const batchSchema = z.strictObject({ names: z.array(nameSchema).min(1).max(MAX_NAMES) });

/** What became of each name of a batch, in its order. */
export const batchResultSchema = z.object({
  results: z.array(
    z.union([
      z.object({ name: nameSchema, answer: answerJsonSchema }),
      z.object({ name: nameSchema, problem: problemJsonSchema }),
    ]),
  ),
});

/** The data of one event of a watch. */
export const watchEventSchema = z.union([
  z.object({ name: nameSchema, answer: answerJsonSchema }),
  z.object({
    name: nameSchema,
    error: z.object({ code: z.string().max(64), message: z.string().max(1024) }),
  }),
]);

/** Resolvers that a look-up may have come through. */
const MAX_HOPS = 16;

/** `Resolver-Path`: the resolvers that a look-up came through, with commas between them. */
export const pathSchema = z
  .string()
  .max(2_048)
  .transform((text) =>
    text
      .split(",")
      .map((hop) => hop.trim())
      .filter((hop) => hop !== ""),
  )
  .pipe(z.array(z.string().regex(/^[\w.:/@-]{1,128}$/, "must be a resolver's ID")).max(MAX_HOPS));
