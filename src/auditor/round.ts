import type { Address, Hex } from "viem";
import { BlockcloudError } from "../protocol/errors.ts";
import { MerkleTree } from "../protocol/merkleTree.ts";
import {
  chunkHash,
  chunksRoot,
  commitment,
  evidenceLeaf,
  sampledSlots,
  toChunks,
  type ChunkArgument,
  type SampleArgument,
} from "../protocol/round.ts";
import { placeOf } from "../protocol/sortition.ts";
import { reportWord, type Grade } from "../protocol/tally.ts";
import type { Draw } from "./draw.ts";
import type { Vote } from "./inspection/inspector.ts";
import type { StoredRound } from "./store.ts";

/** The part of a draw that a round needs. */
type RoundDraw = Omit<Draw, "shards"> & {
  shards: readonly Pick<Draw["shards"][number], "shard" | "services">[];
};

/** Assembles a round from an epoch's votes. */
export function buildRound(drawn: RoundDraw, votes: readonly Vote[]): StoredRound {
  const byNumber = new Map(votes.map((vote) => [vote.number, vote]));
  const reports = drawn.shards.map(({ shard, services }) => {
    const lanes: (Grade | null)[] = Array.from({ length: 15 }, () => null);
    for (const { number, slot } of services) {
      lanes[placeOf(slot).lane] = byNumber.get(number)?.grade ?? null;
    }
    return { shard, votes: reportWord(0, lanes) };
  });
  return {
    epoch: drawn.epoch,
    secret: drawn.secret,
    y: drawn.y,
    chunks: toChunks(reports),
    evidence: drawn.shards.flatMap(({ services }) =>
      services.flatMap(({ number, slot }) => {
        const evidence = byNumber.get(number)?.evidence;
        return evidence === undefined ? [] : [{ ...evidence, slot }];
      }),
    ),
    votes: votes.length,
  };
}

/** Opens a stored round on chain: its commitment, and its chunks with all chunk hashes. */
export class OpenedRound {
  readonly commitment: Hex;
  readonly chunks: readonly ChunkArgument[];
  readonly #round: StoredRound;
  readonly #evidence: MerkleTree;

  constructor(auditor: Address, round: StoredRound) {
    this.#round = round;
    this.#evidence = new MerkleTree(round.evidence.map(evidenceLeaf));
    const hashes = round.chunks.map(chunkHash);
    const { epoch, secret } = round;
    const count = round.chunks.length;
    const evidenceRoot = this.#evidence.root;
    this.commitment = commitment({
      auditor,
      epoch,
      chunksRoot: chunksRoot(hashes),
      chunkCount: count,
      evidenceRoot,
      secret,
    });
    this.chunks = round.chunks.map((chunk) => ({
      auditor,
      epoch,
      ...chunk,
      count,
      evidenceRoot,
      secret,
      hashes,
    }));
  }

  /**
   * The evidence that a claim of a chunk must contain.
   *
   * @throws BlockcloudError `EVIDENCE_MISSING` if the round has no receipt for a sampled vote.
   */
  samples(index: number, sampleSeed: Hex): SampleArgument[] {
    const chunk = this.#round.chunks[index];
    if (chunk === undefined) throw new RangeError(`The round has no chunk ${index}.`);
    return sampledSlots(chunk, sampleSeed).map((slot) => {
      const evidence = this.#round.evidence.find((item) => item.slot === slot);
      if (evidence === undefined) {
        throw new BlockcloudError(
          "EVIDENCE_MISSING",
          `Round ${this.#round.epoch} has no receipt for slot ${slot}, whose vote was sampled.`,
        );
      }
      const { number, salt, channel, issuedAt, signature } = evidence;
      const proof = this.#evidence.proof(evidenceLeaf(evidence));
      return { number, salt, channel, issuedAt, signature, proof };
    });
  }
}
