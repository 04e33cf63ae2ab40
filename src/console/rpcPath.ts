import * as z from "zod";
import type { HttpRequest } from "../node/http/httpServer.ts";
import type { HttpResponse } from "../node/http/response.ts";
import type { Claim } from "./answerRoom.ts";
import { ConsoleProblem } from "./problem.ts";
import { askJson, type Fetch } from "./upstream.ts";

const MAX_BODY = 1024 * 1024;
const MAX_ANSWER = 32 * 1024 * 1024;
const TIME_MS = 30_000;
/** Calls of one batch. */
const MAX_BATCH = 250;

/**
 * Methods that are passed on: reads, and signed transactions, which anyone can send anywhere. Methods of accounts,
 * of the node's operator and of test chains are none of the page's business.
 */
const METHODS: ReadonlySet<string> = new Set([
  "eth_blockNumber",
  "eth_call",
  "eth_chainId",
  "eth_estimateGas",
  "eth_feeHistory",
  "eth_gasPrice",
  "eth_getBalance",
  "eth_getBlockByHash",
  "eth_getBlockByNumber",
  "eth_getBlockReceipts",
  "eth_getCode",
  "eth_getLogs",
  "eth_getStorageAt",
  "eth_getTransactionByHash",
  "eth_getTransactionCount",
  "eth_getTransactionReceipt",
  "eth_maxPriorityFeePerGas",
  "eth_sendRawTransaction",
  "net_version",
]);

const call = z.object({
  jsonrpc: z.literal("2.0"),
  id: z.union([z.number(), z.string().max(64), z.null()]),
  method: z.string().max(64),
  params: z.unknown().optional(),
});
const body = z.union([call, z.array(call).min(1).max(MAX_BATCH)]);

/** A request that may be passed on. */
export interface RpcRequest {
  text: string;
  /** Number of calls. */
  calls: number;
}

/**
 * Reads a JSON-RPC request of the page.
 *
 * @throws ConsoleProblem `BODY_TOO_LARGE`, `REQUEST_INVALID`, `RPC_METHOD_REFUSED`.
 */
export async function readRpc(request: HttpRequest): Promise<RpcRequest> {
  const bytes = await request.body(MAX_BODY);
  if (bytes === undefined) throw new ConsoleProblem("BODY_TOO_LARGE", "The request is too long.");
  const { success, data } = body.safeParse(parsed(bytes));
  if (!success) {
    throw new ConsoleProblem(
      "REQUEST_INVALID",
      `Give a call of JSON-RPC 2.0, or up to ${MAX_BATCH}.`,
    );
  }
  const calls = Array.isArray(data) ? data : [data];
  const refused = calls.find(({ method }) => !METHODS.has(method));
  if (refused !== undefined) {
    throw new ConsoleProblem("RPC_METHOD_REFUSED", "The console does not pass this method on.");
  }
  return { text: JSON.stringify(data), calls: calls.length };
}

/**
 * Passes a request on to the first endpoint that answers.
 *
 * @throws ConsoleProblem `UPSTREAM_FAILED`, `UPSTREAM_TOO_LARGE`, `CONSOLE_BUSY`.
 */
export async function passRpc(
  urls: readonly string[],
  { text }: RpcRequest,
  signal: AbortSignal,
  fetch: Fetch,
  claim: Claim,
): Promise<HttpResponse> {
  let failure: unknown;
  for (const url of urls) {
    try {
      const answer = await askJson(
        fetch,
        url,
        text,
        { maxBytes: MAX_ANSWER, timeMs: TIME_MS, claim },
        signal,
      );
      return {
        status: 200,
        headers: { "content-type": "application/json", "cache-control": "no-store" },
        body: answer,
      };
    } catch (error) {
      // Another endpoint's answer would have no more room.
      if (error instanceof ConsoleProblem && error.code === "CONSOLE_BUSY") throw error;
      failure = error;
    }
  }
  throw failure;
}

/** @throws ConsoleProblem `REQUEST_INVALID`. */
export function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString()) as unknown;
  } catch (cause) {
    throw new ConsoleProblem("REQUEST_INVALID", "The body is not JSON.", { cause });
  }
}
