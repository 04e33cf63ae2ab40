import { getAddress, isAddress, type Address, type Hex } from "viem";
import * as z from "zod";

/** A whole number of any size: Ponder writes it as text. */
export const bigint = z
  .string()
  .regex(/^-?\d{1,78}$/)
  .transform((text) => BigInt(text));
/** A count or an epoch. */
export const whole = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const address = z
  .string()
  .max(42)
  .refine((text) => isAddress(text, { strict: false }))
  .transform((text): Address => getAddress(text));
export const hex = (longest: number) =>
  z
    .string()
    .max(2 + 2 * longest)
    .regex(/^0x[0-9a-f]*$/i)
    .transform((text) => text as Hex);
/** A stranger's text; what is longer than the contracts allow is cut where it is shown. */
export const text = z.string().max(100_000);
export const grade = z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)]);

/** A page of rows as Ponder answers. */
export function page<T extends z.ZodType>(row: T) {
  return z.object({
    items: z.array(row).max(1_000),
    totalCount: whole.optional(),
    pageInfo: z
      .object({ hasNextPage: z.boolean(), endCursor: z.string().max(4_000).nullable() })
      .optional(),
  });
}
