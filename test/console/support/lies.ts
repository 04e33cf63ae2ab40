/** Answers of a node that are altered in one place. */
import {
  decodeFunctionData,
  encodeFunctionData,
  isAddressEqual,
  numberToHex,
  toFunctionSelector,
  type Address,
  type Hex,
} from "viem";
import type { Rpc } from "../../../console/src/verify/rpc.ts";
import { proofOfServiceAbi } from "../../../src/protocol/abi/proofOfService.ts";

/** A node that turns the first vote for EXCELLENT of a reveal into one for FAILED. */
export function alteringVote(honest: Rpc, epoch: number): Rpc {
  return async (method, params) => {
    const answer = await honest(method, params);
    if (method !== "eth_getBlockByNumber" || params[1] !== true) return answer;
    const block = structuredClone(answer) as { transactions: { input: Hex }[] };
    for (const transaction of block.transactions) {
      transaction.input = alterReveal(transaction.input, epoch);
    }
    return block;
  };
}

/** A node that says that a view returns one more than it does. */
export function alteringView(honest: Rpc, contract: Address, signature: string): Rpc {
  const selector = toFunctionSelector(signature);
  return async (method, params) => {
    const answer = await honest(method, params);
    const [call] = params as [{ to?: Address; data?: Hex }?];
    if (method !== "eth_call" || call?.to === undefined || !isAddressEqual(call.to, contract))
      return answer;
    if (call.data?.startsWith(selector) !== true) return answer;
    return numberToHex(BigInt(answer as Hex) + 1n, { size: 32 });
  };
}

function alterReveal(data: Hex, epoch: number): Hex {
  let call;
  try {
    call = decodeFunctionData({ abi: proofOfServiceAbi, data });
  } catch {
    // A call of another contract.
    return data;
  }
  if (call.functionName !== "reveal") return data;
  const [chunk] = call.args;
  const [word, ...more] = chunk.words;
  if (chunk.epoch !== epoch || word === undefined) return data;
  // In a lane's 16 bits the highest nibble is for EXCELLENT, the lowest for FAILED.
  const lanes = Array.from({ length: 15 }, (_, index) => 16n * BigInt(index));
  const lane = lanes.find((shift) => ((word >> (shift + 12n)) & 1n) === 1n);
  if (lane === undefined) return data;
  const words = [word ^ (0x1001n << lane), ...more];
  return encodeFunctionData({
    abi: proofOfServiceAbi,
    functionName: "reveal",
    args: [{ ...chunk, words }],
  });
}
