/** What a node tells, in the form in which the recount reads it. Every field is checked. */
import type { Address, Hex } from "viem";
import * as z from "zod";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import type { RpcHeader } from "../../../src/protocol/header.ts";

/** Longest calldata or log data, characters: twice the largest transaction that nodes accept. */
const MAX_DATA = 1_048_578;

const hex = z
  .string()
  .max(MAX_DATA)
  .regex(/^0x[0-9a-f]*$/i)
  .transform((value) => value.toLowerCase() as Hex);
const hash = hex.refine((value) => value.length === 66, "must have 32 bytes");
const address = hex.refine((value) => value.length === 42).transform((value): Address => value);
const quantity = z.string().regex(/^0x[0-9a-f]{1,16}$/i);

const logSchema = z.object({
  address,
  topics: z.array(hash).max(4),
  data: hex,
  blockNumber: quantity.transform(BigInt),
  transactionHash: hash,
  logIndex: quantity.transform(Number),
});
/** An event as the node tells it. */
export type RawLog = z.infer<typeof logSchema>;

const transactionSchema = z.object({
  hash,
  from: address,
  to: address.nullish().transform((value) => value ?? null),
  input: hex,
});
export type RawTransaction = z.infer<typeof transactionSchema>;

const blockSchema = z
  .looseObject({ hash, parentHash: hash, number: quantity, timestamp: quantity, mixHash: hash })
  .transform((block) => ({
    hash: block.hash,
    parentHash: block.parentHash,
    number: BigInt(block.number),
    timestamp: Number(block.timestamp),
    mixHash: block.mixHash,
    /** All fields, for the hash of the header. */
    header: block as unknown as RpcHeader,
    transactions: block.transactions,
  }));
export type RawBlock = z.infer<typeof blockSchema>;

const receiptSchema = z.object({ status: quantity.transform(Number), logs: z.array(logSchema) });
export type RawReceipt = z.infer<typeof receiptSchema>;

const readAs =
  <T>(schema: z.ZodType<T>, what: string) =>
  (answer: unknown): T => {
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    throw new BlockcloudError(
      "RPC_MALFORMED",
      `The node sent no ${what}: ${firstIssue(parsed.error)}`,
      {
        remedy: "Use another RPC endpoint.",
      },
    );
  };

export const readLogs = readAs(z.array(logSchema), "logs");
export const readBlock = readAs(blockSchema, "block");
export const readTransactions = readAs(z.array(transactionSchema), "transactions of a block");
export const readReceipt = readAs(receiptSchema, "receipt");
export const readHex = readAs(hex, "result of a call");
export const readQuantity = readAs(quantity.transform(BigInt), "number");

function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue === undefined ? "unknown" : `${issue.path.join(".")} ${issue.message}`;
}
