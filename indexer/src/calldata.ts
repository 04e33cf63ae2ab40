import { proofOfServiceAbi } from "@protocol/abi/proofOfService.ts";
import { chunkHash, chunksRoot, commitment } from "@protocol/round.ts";
import { decodeFunctionData, toFunctionSelector, type Address, type Hex } from "viem";

/**
 * What the events of a round do not carry is in the calldata of its transaction: the commitment, and the words of a
 * chunk. The call may be the whole calldata, an item of `tryMulticall`, or be inside the call of another contract, so
 * it is looked for at any byte. What is found counts only if it opens the commitment, which nobody can forge.
 */

const selectorOf = (name: "commit" | "reveal") => {
  const item = proofOfServiceAbi.find((entry) => entry.type === "function" && entry.name === name);
  if (item?.type !== "function") throw new Error(`The ABI has no function ${name}.`);
  return toFunctionSelector(item).slice(2);
};
const COMMIT = selectorOf("commit");
const REVEAL = selectorOf("reveal");
/** Occurrences that are decoded; a caller can write any number of false ones into its calldata. */
const MOST_CANDIDATES = 16;

/** A chunk as `reveal` takes it. */
export interface RevealedChunk {
  count: number;
  base: number;
  secret: Hex;
  words: readonly bigint[];
}

const word = (value: bigint | number | Hex) => BigInt(value).toString(16).padStart(64, "0");

/** Where the bytes `wanted` begin in calldata: offsets in characters, at most {@link MOST_CANDIDATES}. */
function occurrences(input: string, wanted: string): number[] {
  const found: number[] = [];
  for (let at = input.indexOf(wanted, 2); at !== -1; at = input.indexOf(wanted, at + 1)) {
    if (at % 2 === 0) found.push(at);
    if (found.length === MOST_CANDIDATES) break;
  }
  return found;
}

/** The commitment of a round in the calldata of its `commit`; null if no such call is there. */
export function commitmentIn(input: Hex, auditor: Address, epoch: number): Hex | null {
  const head = `${COMMIT}${word(auditor)}${word(epoch)}`;
  const [at] = occurrences(input.toLowerCase(), head);
  if (at === undefined) return null;
  const value = input.slice(at + head.length, at + head.length + 64);
  return value.length === 64 ? `0x${value.toLowerCase()}` : null;
}

/**
 * The chunk of a `Revealed` event in the calldata of its transaction.
 *
 * @param committed The round's commitment; null if it is not known: then a chunk counts only if it is the only one.
 */
export function chunkIn(
  input: Hex,
  auditor: Address,
  epoch: number,
  index: number,
  committed: Hex | null,
): RevealedChunk | undefined {
  const data = input.toLowerCase();
  // The chunk is a tuple with dynamic parts: one offset, then its members in order.
  const head = `${REVEAL}${word(32)}${word(auditor)}${word(epoch)}${word(index)}`;
  const chunks = occurrences(data, head).flatMap((at) => {
    const chunk = decodeReveal(`0x${data.slice(at)}`);
    return chunk !== undefined && (committed === null || opens(chunk, committed)) ? [chunk] : [];
  });
  return committed === null && chunks.length > 1 ? undefined : chunks[0];
}

function decodeReveal(data: Hex) {
  try {
    const { functionName, args } = decodeFunctionData({ abi: proofOfServiceAbi, data });
    return functionName === "reveal" ? args[0] : undefined;
  } catch {
    return undefined; // Bytes that only look like a call: the event's own call is another occurrence.
  }
}

function opens(chunk: NonNullable<ReturnType<typeof decodeReveal>>, committed: Hex): boolean {
  const { auditor, epoch, index, count, base, evidenceRoot, secret, words, hashes } = chunk;
  if (hashes.length !== count || hashes[index] !== chunkHash({ index, base, words })) return false;
  const opened = commitment({
    auditor,
    epoch,
    chunksRoot: chunksRoot(hashes),
    chunkCount: count,
    evidenceRoot,
    secret,
  });
  return opened === committed;
}
