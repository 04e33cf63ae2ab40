import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { boundedText } from "../bounded.ts";

/** A JSON-RPC call; its answer is what the node sent, not checked. */
export type Rpc = (method: string, params: readonly unknown[]) => Promise<unknown>;

/** Longest answer that is read, bytes; a range of logs that is longer is asked for in parts. */
const MAX_ANSWER = 16 * 1024 * 1024;
/** Longest part of a node's message that is shown. */
const MAX_MESSAGE = 200;

/**
 * Calls a node over HTTP.
 *
 * @throws BlockcloudError `RPC_UNREACHABLE`, retryable; `RPC_REFUSED` with the node's message; `RPC_TOO_LONG`.
 */
export function httpRpc(url: string, signal: AbortSignal): Rpc {
  let id = 0;
  return async (method, params) => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: ++id, method, params });
    let text: string;
    try {
      const headers = { "content-type": "application/json" };
      const response = await fetch(url, { method: "POST", headers, body, signal });
      if (response.status === 429) throw new Error("too many requests");
      text = await boundedText(response, MAX_ANSWER, () => tooLong(method));
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof BlockcloudError) throw cause;
      throw new BlockcloudError("RPC_UNREACHABLE", `${method} got no answer from the node.`, {
        cause,
        retryable: true,
        remedy:
          "Check the RPC endpoint, and run again. A page that is served with a policy reaches only the endpoints that the policy names.",
      });
    }
    return resultOf(method, text);
  };
}

function tooLong(method: string): BlockcloudError {
  return new BlockcloudError(
    "RPC_TOO_LONG",
    `The answer to ${method} is above ${MAX_ANSWER} bytes.`,
  );
}

function resultOf(method: string, text: string): unknown {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (cause) {
    throw refused(method, "no JSON", cause);
  }
  if (typeof answer !== "object" || answer === null) throw refused(method, "no JSON-RPC");
  if ("error" in answer && answer.error !== undefined && answer.error !== null) {
    const { message } = answer.error as { message?: unknown };
    throw refused(method, String(message).slice(0, MAX_MESSAGE));
  }
  if (!("result" in answer)) throw refused(method, "no result");
  return answer.result;
}

function refused(method: string, what: string, cause?: unknown): BlockcloudError {
  return new BlockcloudError("RPC_REFUSED", `The node answered ${method} with: ${what}`, {
    cause,
    remedy:
      "Use another RPC endpoint: the recount needs blocks, receipts and logs of the whole deployment.",
  });
}
