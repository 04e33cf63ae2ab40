/** Hashes of docs/protocol.md, sections 3.2 to 3.5 and 3.9. */
import {
  concatHex,
  encodeAbiParameters,
  keccak256,
  parseAbiParameters,
  sliceHex,
  type Address,
  type Hex,
} from "viem";

/** A chunk of a round, as calldata shows it. */
export interface Chunk {
  auditor: Address;
  epoch: number;
  index: number;
  count: number;
  base: number;
  evidenceRoot: Hex;
  secret: Hex;
  words: readonly bigint[];
  hashes: readonly Hex[];
}

/** The evidence of one sampled vote, as calldata shows it. */
export interface Sample {
  number: bigint;
  salt: Hex;
  channel: Hex;
  issuedAt: bigint;
  signature: Hex;
  proof: readonly Hex[];
}

export function seedOf(prevrandao: bigint, epoch: number, chainId: number, book: Address): Hex {
  const types = parseAbiParameters("uint256, uint32, uint256, address");
  return keccak256(encodeAbiParameters(types, [prevrandao, epoch, BigInt(chainId), book]));
}

/** What only the auditor can compute before it reveals: `y`. */
export function drawOf(seed: Hex, secret: Hex, auditor: Address): Hex {
  const types = parseAbiParameters("bytes32, bytes32, address");
  return keccak256(encodeAbiParameters(types, [seed, secret, auditor]));
}

/** The top 64 bits of a shard's hash. */
export function ticketOf(y: Hex, shard: number): bigint {
  const packed = concatHex([y, `0x${shard.toString(16).padStart(64, "0")}`]);
  return BigInt(keccak256(packed)) >> 192n;
}

export function chunkHash({ index, base, words }: Chunk): Hex {
  const types = parseAbiParameters("uint256, uint256, uint256[]");
  return keccak256(encodeAbiParameters(types, [BigInt(index), BigInt(base), words]));
}

export function commitmentOf(chunk: Chunk): Hex {
  const { auditor, epoch, count, evidenceRoot, secret, hashes } = chunk;
  const types = parseAbiParameters("address, uint32, bytes32, uint256, bytes32, bytes32");
  const root = keccak256(concatHex(hashes));
  return keccak256(
    encodeAbiParameters(types, [auditor, epoch, root, BigInt(count), evidenceRoot, secret]),
  );
}

export function nonceOf(y: Hex, number: bigint, salt: Hex): Hex {
  const types = parseAbiParameters("bytes32, uint64, bytes32");
  return keccak256(encodeAbiParameters(types, [y, number, salt]));
}

/** Which of a chunk's `votes` votes that are not FAILED a claim must prove. */
export function sampleOf(seed: Hex, chunk: Hex, index: number, votes: number): number {
  const types = parseAbiParameters("bytes32, bytes32, uint256");
  const hash = keccak256(encodeAbiParameters(types, [seed, chunk, BigInt(index)]));
  return Number(BigInt(hash) % BigInt(votes));
}

/** The root that a sample's evidence and its proof lead to: a tree with sorted pairs. */
export function evidenceRootOf(sample: Sample): Hex {
  const types = parseAbiParameters("uint64, bytes32, bytes32, uint64, bytes");
  const { number, salt, channel, issuedAt, signature, proof } = sample;
  const inner = keccak256(encodeAbiParameters(types, [number, salt, channel, issuedAt, signature]));
  return proof.reduce<Hex>(
    (node, sibling) =>
      keccak256(concatHex(BigInt(node) < BigInt(sibling) ? [node, sibling] : [sibling, node])),
    keccak256(inner),
  );
}

/** Whether an element of a hash chain stands `steps` below its tip. */
export function leadsTo(secret: Hex, steps: number, tip: Hex): boolean {
  let element = secret;
  for (let step = 0; step < steps; step++) element = keccak256(element);
  return element === tip;
}

/** The 24 bytes that the contract keeps of an element. */
export function kept(element: Hex): Hex {
  return sliceHex(element, 0, 24);
}

export function questionOf(seed: Hex, challenge: bigint): Hex {
  const types = parseAbiParameters("bytes32, uint256");
  return keccak256(encodeAbiParameters(types, [seed, challenge]));
}
