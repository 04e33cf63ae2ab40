import type { RpcAnswer, RpcCall } from "./rpcProxy.ts";

type Asked = Pick<RpcCall, "method" | "params">;
type Ask = (call: Asked) => Promise<RpcAnswer>;

/** Which parameter of a method names a block. */
const BLOCK_PARAMETER: Readonly<Record<string, number>> = {
  eth_call: 1,
  eth_estimateGas: 1,
  eth_getBalance: 1,
  eth_getCode: 1,
  eth_getTransactionCount: 1,
  eth_getBlockByNumber: 0,
};

/** Answers a call as a replica of the node does that is some blocks behind it. */
export async function atHeight(call: Asked, lag: number, ask: Ask): Promise<RpcAnswer> {
  if (lag === 0) return ask(call);
  const answer = await ask({ method: "eth_blockNumber", params: [] });
  if ("error" in answer) return answer;
  const head = Math.max(0, Number(answer.result) - lag);
  const { method, params } = call;
  if (method === "eth_blockNumber") return { result: hex(head) };
  if (method === "eth_getLogs") return logsUpTo(head, call, ask);
  if (method === "eth_getTransactionReceipt") return unlessNewer(head, await ask(call), null);
  if (method === "eth_getTransactionByHash") {
    return unlessNewer(head, await ask(call), { blockNumber: null, blockHash: null });
  }
  const place = BLOCK_PARAMETER[method];
  if (place === undefined) return ask(call);
  const asked = params[place] ?? "latest";
  if (asked === "pending") return ask(call);
  if (asked === "latest") {
    const named = [...params];
    named[place] = hex(head);
    return ask({ method, params: named });
  }
  if (Number(asked) <= head) return ask(call);
  return method === "eth_getBlockByNumber"
    ? { result: null }
    : { error: { code: -32_000, message: "header not found" } };
}

/** A node that does not know the newest blocks leaves their logs out, and says nothing of it. */
async function logsUpTo(head: number, { method, params }: Asked, ask: Ask): Promise<RpcAnswer> {
  const filter = params[0] as { fromBlock: string; toBlock: string };
  if (Number(filter.fromBlock) > head) return { result: [] };
  const to = filter.toBlock === "latest" ? head : Math.min(head, Number(filter.toBlock));
  return ask({ method, params: [{ ...filter, toBlock: hex(to) }] });
}

function unlessNewer(head: number, answer: RpcAnswer, instead: object | null): RpcAnswer {
  if ("error" in answer) return answer;
  const found = answer.result as { blockNumber: string | null } | null;
  if (found?.blockNumber == null || Number(found.blockNumber) <= head) return answer;
  return { result: instead === null ? null : { ...found, ...instead } };
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
