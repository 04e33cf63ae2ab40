import * as z from "zod";

const quantity = z.string().regex(/^0x[0-9a-fA-F]{1,64}$/);
const data = z.string().regex(/^0x([0-9a-fA-F]{2})*$/);
const hash = z.string().regex(/^0x[0-9a-fA-F]{64}$/);
const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/);

const block = z.looseObject({
  number: quantity,
  hash,
  parentHash: hash,
  timestamp: quantity,
  baseFeePerGas: quantity.optional(),
});
const log = z.looseObject({
  address,
  topics: z.array(hash),
  data,
  blockNumber: quantity.nullable(),
  transactionHash: hash.nullable(),
});
const receipt = z.looseObject({
  transactionHash: hash,
  blockHash: hash,
  blockNumber: quantity,
  status: z.enum(["0x0", "0x1"]),
  gasUsed: quantity,
  logs: z.array(log),
});

/** The results of the used methods, limited to the fields that are read. */
const results: Partial<Record<string, z.ZodType>> = {
  eth_blockNumber: quantity,
  eth_call: data,
  eth_chainId: quantity,
  eth_estimateGas: quantity,
  eth_gasPrice: quantity,
  eth_getBalance: quantity,
  eth_getBlockByNumber: block.nullable(),
  eth_getCode: data,
  eth_getLogs: z.array(log),
  eth_getTransactionByHash: z.looseObject({ hash, nonce: quantity }).nullable(),
  eth_getTransactionCount: quantity,
  eth_getTransactionReceipt: receipt.nullable(),
  eth_maxPriorityFeePerGas: quantity,
  eth_sendRawTransaction: hash,
};

/** The fault of a method's result; undefined if it is valid. */
export function resultFault(method: string, params: unknown, result: unknown): string | undefined {
  const parsed = results[method]?.safeParse(result);
  if (parsed?.success === false) return `Its answer to ${method} is malformed.`;
  const [asked] = Array.isArray(params) ? (params as unknown[]) : [];
  if (method === "eth_getBlockByNumber" && result === null && asked === "latest") {
    return "It has no newest block.";
  }
  if (result === null || result === undefined) return undefined;
  const about = result as Record<string, unknown>;
  if (
    method === "eth_getBlockByNumber" &&
    isNumber(asked) &&
    BigInt(asked) !== BigInt(String(about.number))
  ) {
    return "It answers with another block than the one asked for.";
  }
  if (method === "eth_getTransactionReceipt" && about.transactionHash !== asked) {
    return "It answers with another transaction's receipt.";
  }
  return undefined;
}

function isNumber(asked: unknown): asked is string {
  return typeof asked === "string" && asked.startsWith("0x");
}
