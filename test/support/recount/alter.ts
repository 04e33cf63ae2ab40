/** Input that is wrong in one place, to show that a recount finds it. */
import {
  decodeFunctionData,
  encodeFunctionData,
  isAddressEqual,
  type Abi,
  type Address,
  type Hex,
} from "viem";
import { abis } from "./calls.ts";
import { questionName } from "./figures.ts";
import type { Chunk } from "./hashes.ts";
import type { RecountInput } from "./recount.ts";

const abi = abis.proofOfService as Abi;

/** The vote that was altered. */
export interface AlteredVote {
  input: RecountInput;
  auditor: Address;
  epoch: number;
}

/** Turns the first vote for EXCELLENT that was revealed into one for FAILED. */
export function alterVote(input: RecountInput): AlteredVote {
  const { record } = input;
  for (const [block, { transactions }] of record.blocks.entries()) {
    for (const [place, { to, succeeded, input: data }] of transactions.entries()) {
      if (to === null || !succeeded || !isAddressEqual(to, record.contracts.proofOfService))
        continue;
      const altered = alterCall(data);
      if (altered === undefined) continue;
      const blocks = structuredClone(record.blocks);
      Object.assign(blocks[block]!.transactions[place]!, { input: altered.data });
      const { auditor, epoch } = altered.chunk;
      return { input: { ...input, record: { ...record, blocks } }, auditor, epoch };
    }
  }
  throw new Error("no auditor revealed a vote for EXCELLENT");
}

/** Lets a stranger's contract stand before the first settlement: its call is seen no more. */
export function hideSettlement(input: RecountInput): RecountInput {
  const { record } = input;
  const blocks = structuredClone(record.blocks);
  const settlement = blocks
    .flatMap(({ transactions }) => transactions)
    .find(({ to, succeeded }) => succeeded && to === record.contracts.settlement);
  Object.assign(settlement!, { to: "0x000000000000000000000000000000000000dEaD" });
  return { ...input, record: { ...record, blocks } };
}

/** Says that a holder has one wei more. */
export function alterBalance(input: RecountInput, holder: Address): RecountInput {
  const name = questionName({ contract: "token", functionName: "balanceOf", args: [holder] });
  const balance = input.answers.get(name) as bigint;
  return { ...input, answers: new Map([...input.answers, [name, balance + 1n]]) };
}

function alterCall(data: Hex): { data: Hex; chunk: Chunk } | undefined {
  const { functionName, args = [] } = decodeFunctionData({ abi, data });
  if (functionName === "tryMulticall") {
    const parts = args[0] as readonly Hex[];
    for (const [index, part] of parts.entries()) {
      const altered = alterCall(part);
      if (altered === undefined) continue;
      const others = parts.map((each, place) => (place === index ? altered.data : each));
      const whole = encodeFunctionData({ abi, functionName, args: [others] });
      return { data: whole, chunk: altered.chunk };
    }
    return undefined;
  }
  if (functionName !== "reveal") return undefined;
  const chunk = args[0] as Chunk;
  const [word, ...more] = chunk.words;
  if (word === undefined) return undefined;
  // In a lane's 16 bits the highest nibble is for EXCELLENT, the lowest for FAILED.
  const lanes = Array.from({ length: 15 }, (_, index) => 16n * BigInt(index));
  const lane = lanes.find((shift) => ((word >> (shift + 12n)) & 1n) === 1n);
  if (lane === undefined) return undefined;
  const words = [word ^ (0x1001n << lane), ...more];
  return { data: encodeFunctionData({ abi, functionName, args: [{ ...chunk, words }] }), chunk };
}
