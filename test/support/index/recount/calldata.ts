import { decodeFunctionData, toFunctionSelector, type AbiFunction, type Hex } from "viem";
import { abis } from "../../../../src/protocol/abis.ts";
import { commitmentOf, type ChunkArgument } from "../../../../src/protocol/round.ts";
import type { Fact, RawChain } from "./chain.ts";

const abi = abis.proofOfService;

/** Every call of a function that some calldata holds, at whatever byte it begins. */
function callsIn(input: Hex, name: "commit" | "reveal"): (readonly unknown[])[] {
  const item = abi.find((entry) => entry.type === "function" && entry.name === name);
  const selector = toFunctionSelector(item as AbiFunction);
  const found: (readonly unknown[])[] = [];
  for (let at = 2; at + 8 <= input.length; at += 2) {
    if (input.slice(at, at + 8) !== selector.slice(2)) continue;
    try {
      found.push(decodeFunctionData({ abi, data: `0x${input.slice(at)}` }).args ?? []);
    } catch {
      continue; // Bytes that are no call.
    }
  }
  return found;
}

const isFor = (fact: Fact, auditor: string, epoch: number) =>
  auditor.toLowerCase() === fact.text("auditor") && epoch === fact.int("epoch");

/** The commitment of a `Committed` event, if its transaction shows it. */
export function shownCommitment(fact: Fact): Hex | null {
  const calls = callsIn(fact.input, "commit") as [string, number, Hex][];
  return calls.find(([auditor, epoch]) => isFor(fact, auditor, epoch))?.[2] ?? null;
}

/** The chunk of a `Revealed` event, if its transaction shows it. */
export function shownChunk(chain: RawChain, fact: Fact): ChunkArgument | undefined {
  const committed = chain
    .all("proofOfService.Committed")
    .find((each) => isFor(each, fact.text("auditor"), fact.int("epoch")))!;
  const commitment = shownCommitment(committed);
  const chunks = (callsIn(fact.input, "reveal") as [ChunkArgument][])
    .map(([chunk]) => chunk)
    .filter((each) => isFor(fact, each.auditor, each.epoch) && each.index === fact.int("index"));
  // Without the commitment nothing tells the true one of several.
  if (commitment === null) return chunks.length === 1 ? chunks[0] : undefined;
  return chunks.find((each) => commitmentOf(each) === commitment);
}
