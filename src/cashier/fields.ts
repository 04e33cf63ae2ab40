import { getAddress, isAddress, type Address, type Hex } from "viem";
import * as z from "zod";
import { MAX_AMOUNT } from "./price.ts";

/** Fields of the Cashier's messages as JSON. Amounts are decimal text, because they exceed JSON's numbers. */

/** Zero digits in front are refused: there is one text for each amount. */
export const amount = z
  .string()
  .regex(/^(0|[1-9]\d{0,28})$/)
  .transform((text) => BigInt(text))
  .refine((value) => value <= MAX_AMOUNT);
/** 32 bytes. */
export const word = z
  .string()
  .regex(/^0x[0-9a-f]{64}$/)
  .transform((text) => text as Hex);
export const address = z
  .string()
  .refine((text) => isAddress(text, { strict: false }))
  .transform((text): Address => getAddress(text));
