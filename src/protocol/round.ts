import { concat, encodeAbiParameters, keccak256, type Address, type Hex } from "viem";
import { slotAt } from "./sortition.ts";
import { lanesOf } from "./tally.ts";

/** Words that one chunk may hold. */
export const MAX_WORDS = 512;
/** Votes of a chunk that a claim must prove. */
export const SAMPLES = 2;
/** Epochs in which a revealed round can be claimed, from two epochs after it on (`AuditRounds.CLAIM_EPOCHS`). */
export const CLAIM_EPOCHS = 128;
/** Shards that one chunk can span: an offset has 16 bits. */
const MAX_SPAN = 1 << 16;

/** A part of a round that fits a transaction. */
export interface Chunk {
  index: number;
  /** Shard to which the words' offsets are added. */
  base: number;
  words: readonly bigint[];
}

/** One piece of evidence: a receipt, and the salt behind its nonce. */
export interface Evidence {
  number: bigint;
  salt: Hex;
  channel: Hex;
  issuedAt: bigint;
  signature: Hex;
}

/** A chunk in the contract's format. */
export interface ChunkArgument {
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

/** Evidence for one sampled vote, in the contract's format. */
export interface SampleArgument {
  number: bigint;
  salt: Hex;
  channel: Hex;
  issuedAt: bigint;
  signature: Hex;
  proof: readonly Hex[];
}

/** Cuts a round's votes, ordered by shard, into chunks; a round without votes is one empty chunk. */
export function toChunks(
  reports: readonly { shard: number; votes: bigint }[],
  maxWords: number = MAX_WORDS,
): Chunk[] {
  const chunks: { index: number; base: number; words: bigint[] }[] = [];
  for (const { shard, votes } of reports) {
    let chunk = chunks.at(-1);
    if (!chunk || chunk.words.length === maxWords || shard - chunk.base >= MAX_SPAN) {
      chunk = { index: chunks.length, base: shard, words: [] };
      chunks.push(chunk);
    }
    chunk.words.push((BigInt(shard - chunk.base) << 240n) | votes);
  }
  return chunks.length > 0 ? chunks : [{ index: 0, base: 0, words: [] }];
}

/** Hash of a chunk. */
export function chunkHash(chunk: Chunk): Hex {
  return keccak256(
    encodeAbiParameters(
      [{ type: "uint256" }, { type: "uint256" }, { type: "uint256[]" }],
      [BigInt(chunk.index), BigInt(chunk.base), chunk.words],
    ),
  );
}

/**
 * Root of a round's chunks: the hash of all their hashes, in order. Every reveal and claim shows them all.
 *
 * @param hashes From {@link chunkHash}, by index.
 */
export function chunksRoot(hashes: readonly Hex[]): Hex {
  return keccak256(concat(hashes));
}

/** Leaf of a piece of evidence, hashed twice. */
export function evidenceLeaf(evidence: Evidence): Hex {
  const inner = keccak256(
    encodeAbiParameters(
      [
        { type: "uint64" },
        { type: "bytes32" },
        { type: "bytes32" },
        { type: "uint64" },
        { type: "bytes" },
      ],
      [evidence.number, evidence.salt, evidence.channel, evidence.issuedAt, evidence.signature],
    ),
  );
  return keccak256(inner);
}

/** Whether a proof leads from a leaf to a root: each step hashes the pair, the smaller of the two first. */
export function provesLeaf(root: Hex, leaf: Hex, proof: readonly Hex[]): boolean {
  const hash = proof.reduce<Hex>(
    (node, other) =>
      keccak256(concat(BigInt(node) < BigInt(other) ? [node, other] : [other, node])),
    leaf,
  );
  return BigInt(hash) === BigInt(root);
}

/** The commitment to a round. */
export function commitment(round: {
  auditor: Address;
  epoch: number;
  chunksRoot: Hex;
  chunkCount: number;
  evidenceRoot: Hex;
  secret: Hex;
}): Hex {
  return keccak256(
    encodeAbiParameters(
      [
        { type: "address" },
        { type: "uint32" },
        { type: "bytes32" },
        { type: "uint256" },
        { type: "bytes32" },
        { type: "bytes32" },
      ],
      [
        round.auditor,
        round.epoch,
        round.chunksRoot,
        BigInt(round.chunkCount),
        round.evidenceRoot,
        round.secret,
      ],
    ),
  );
}

/** The commitment that a shown chunk leads to; undefined if its own hash is not among those that it shows. */
export function commitmentOf(chunk: ChunkArgument): Hex | undefined {
  const { auditor, epoch, index, count, hashes, evidenceRoot, secret } = chunk;
  if (hashes.length !== count || hashes[index] !== chunkHash(chunk)) return undefined;
  const root = chunksRoot(hashes);
  return commitment({ auditor, epoch, chunksRoot: root, chunkCount: count, evidenceRoot, secret });
}

/** Slots of a chunk on which the votes claim a contact, in word-then-lane order. */
export function contacts(chunk: Chunk): number[] {
  return chunk.words.flatMap((word) => {
    const shard = chunk.base + Number(word >> 240n);
    return lanesOf(word).flatMap((counts, lane) =>
      counts.slice(1).some((count) => count > 0) ? [slotAt(shard, lane)] : [],
    );
  });
}

/** Slots whose services' receipts a claim of the chunk must show; none when no vote claims a contact. */
export function sampledSlots(chunk: Chunk, sampleSeed: Hex): number[] {
  const slots = contacts(chunk);
  if (slots.length === 0) return [];
  const hash = chunkHash(chunk);
  return Array.from({ length: SAMPLES }, (_, sample) => sample).flatMap((sample) => {
    const pick = keccak256(
      encodeAbiParameters(
        [{ type: "bytes32" }, { type: "bytes32" }, { type: "uint256" }],
        [sampleSeed, hash, BigInt(sample)],
      ),
    );
    return slots.at(Number(BigInt(pick) % BigInt(slots.length))) ?? [];
  });
}
