import * as z from "zod";
import { answerJsonSchema, problemJsonSchema } from "../answerSchema.ts";

/** Names in one request. */
export const MAX_NAMES = 100;
/** Names in one watch. */
export const MAX_WATCHED = 16;
/** Largest request body, bytes: room for the largest batch of the longest names. */
export const MAX_BODY_BYTES = 64 * 1024;

/** Longest name, characters: that of DNS. */
const MAX_NAME_LENGTH = 255;

/** A name or an ID as a client writes it; the resolver checks whether it is valid. */
export const nameSchema = z.string().min(1).max(MAX_NAME_LENGTH);

/** What `nameSchema` says of a text, for the path of most requests: the schema takes longer than the lookup. */
export function isName(text: string): boolean {
  return text.length >= 1 && text.length <= MAX_NAME_LENGTH;
}

/** The body of a batch. */
export const batchSchema = z.strictObject({ names: z.array(nameSchema).min(1).max(MAX_NAMES) });

/** The result for each name of a batch, in the order of the names. */
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

/** Entries of `Resolver-Path` that are read. */
const MAX_PATH_ENTRIES = 16;

/** `Resolver-Path`: the resolvers that forwarded a lookup, separated by commas. */
export const pathSchema = z
  .string()
  .max(2_048)
  .transform((text) =>
    text
      .split(",")
      .map((hop) => hop.trim())
      .filter((hop) => hop !== ""),
  )
  .pipe(
    z
      .array(z.string().regex(/^[\w.:/@-]{1,128}$/, "must be a resolver's ID"))
      .max(MAX_PATH_ENTRIES),
  );
