import { bytesToHex } from "../../src/protocol/bytes.ts";
import { MerkleTree } from "../../src/protocol/merkleTree.ts";
import {
  chunkHash,
  chunksRoot,
  commitment,
  contacts,
  evidenceLeaf,
  sampledSlots,
  toChunks,
} from "../../src/protocol/round.ts";
import { LANES } from "../../src/protocol/sortition.ts";
import { reportWord, type Grade } from "../../src/protocol/tally.ts";
import { decimals, times, type Random } from "./random.ts";

/**
 * A round of four chunks with all its hashes. The first is full, and its last offset is the largest; the
 * others end where the next offset would pass 16 bits.
 */
export function roundVectors(random: Random) {
  const shards = [3, 4, 9, 65_538, 65_539, 65_541, 131_074, 131_080, 2_000_000];
  const reports = shards.map((shard) => ({
    shard,
    votes: reportWord(
      0,
      times(LANES, () => {
        const vote = random.below(6);
        return vote > 3 ? null : (vote as Grade);
      }),
    ),
  }));
  const chunks = toChunks(reports, 4);
  const leaves = chunks.map(chunkHash);

  const evidence = times(5, (i) => ({
    number: [1n, (1n << 64n) - 1n][i] ?? random.uint(32),
    salt: random.hash(),
    channel: random.hash(),
    issuedAt: random.uint(41),
    signature: bytesToHex(new Uint8Array([...random.bytes(32), ...random.bytes(32), 27])),
  }));
  const evidenceLeaves = evidence.map(evidenceLeaf);
  const evidenceTree = new MerkleTree(evidenceLeaves);
  const proofs = evidenceLeaves.map((leaf) => evidenceTree.proof(leaf));

  const sampleSeed = random.hash();
  const round = {
    auditor: random.address(),
    epoch: 4_294_967_295,
    chunksRoot: chunksRoot(leaves),
    chunkCount: chunks.length,
    evidenceRoot: evidenceTree.root,
    secret: random.hash(),
  };
  return {
    // Words of all chunks in one column; `length` is the number of words of each chunk.
    base: decimals(chunks.map((chunk) => chunk.base)),
    length: decimals(chunks.map((chunk) => chunk.words.length)),
    words: decimals(chunks.flatMap((chunk) => chunk.words)),
    chunkHash: leaves,
    emptyChunkHash: chunkHash({ index: 0, base: 0, words: [] }),
    ...round,
    commitment: commitment(round),
    evidenceNumber: decimals(evidence.map((item) => item.number)),
    evidenceSalt: evidence.map((item) => item.salt),
    evidenceChannel: evidence.map((item) => item.channel),
    evidenceIssuedAt: decimals(evidence.map((item) => item.issuedAt)),
    evidenceSignature: evidence.map((item) => item.signature),
    evidenceLeaf: evidenceLeaves,
    evidenceProofLength: decimals(proofs.map((proof) => proof.length)),
    evidenceProof: proofs.flat(),
    sampleSeed,
    contactCount: decimals(chunks.map((chunk) => contacts(chunk).length)),
    contacts: decimals(chunks.flatMap(contacts)),
    sampled: decimals(chunks.flatMap((chunk) => sampledSlots(chunk, sampleSeed))),
  };
}
