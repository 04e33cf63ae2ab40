import { expect } from "chai";
import type { AuditedService } from "../../src/chain/services.ts";
import { buildRound, OpenedRound } from "../../src/auditor/round.ts";
import { MerkleTree } from "../../src/protocol/merkleTree.ts";
import {
  chunkHash,
  chunksRoot,
  commitment,
  evidenceLeaf,
  sampledSlots,
} from "../../src/protocol/round.ts";
import { readReportWord, type Grade } from "../../src/protocol/tally.ts";
import { SimpleMerkleTree } from "@openzeppelin/merkle-tree";
import { AUDITOR, EPOCH, evidenceOf, hashOf, roundOf } from "../support/auditorRig.ts";
import { expectCode } from "../support/expectCode.ts";

function drawn(...shards: [shard: number, ...numbers: bigint[]][]) {
  return {
    epoch: EPOCH,
    secret: hashOf(2),
    y: hashOf(3),
    shards: shards.map(([shard, ...numbers]) => ({
      shard,
      services: numbers.map((number) => ({ number, slot: Number(number) }) as AuditedService),
    })),
  };
}

function vote(number: bigint, grade: Grade) {
  return grade === 0 ? { number, grade } : { number, grade, evidence: evidenceOf(number) };
}

describe("buildRound", () => {
  it("puts each vote into its shard's word and its lane", () => {
    const round = buildRound(drawn([2, 31n, 33n, 45n], [4, 61n]), [
      vote(45n, 1),
      vote(31n, 3),
      vote(61n, 2),
      vote(33n, 0),
    ]);
    expect(round).to.include({ epoch: EPOCH, secret: hashOf(2), y: hashOf(3), votes: 4 });
    expect(round.chunks).to.have.length(1);
    const [chunk = expect.fail()] = round.chunks;
    const words = chunk.words.map(readReportWord);
    expect(words.map(({ offset }) => chunk.base + offset)).to.deep.equal([2, 4]);
    expect(words[0]?.votes).to.deep.equal([3, null, 0, ...Array(11).fill(null), 1]);
    expect(words[1]?.votes).to.deep.equal([2, ...Array(14).fill(null)]);
  });

  it("keeps the evidence of votes above FAILED, and of no other", () => {
    const votes = [vote(1n, 0), vote(2n, 1), vote(3n, 3)];
    const { evidence } = buildRound(drawn([0, 1n, 2n, 3n]), votes);
    expect(evidence).to.deep.equal([evidenceOf(2n), evidenceOf(3n)]);
  });

  it("goes by the slots that services hold, whatever their numbers", () => {
    const services = [
      { number: 900n, slot: 31 },
      { number: 2n, slot: 45 },
    ].map((service) => service as AuditedService);
    const round = buildRound({ ...drawn(), shards: [{ shard: 2, services }] }, [
      vote(2n, 1),
      vote(900n, 3),
    ]);
    const votes = readReportWord(round.chunks[0]!.words[0]!).votes;
    expect(votes).to.deep.equal([3, ...Array(13).fill(null), 1]);
    expect(round.evidence.map(({ number, slot }) => [number, slot])).to.deep.equal([
      [900n, 31],
      [2n, 45],
    ]);
    const samples = new OpenedRound(AUDITOR, round).samples(0, hashOf(9));
    for (const { number } of samples) expect([2n, 900n]).to.include(number);
  });

  it("abstains where a vote is missing", () => {
    const { chunks } = buildRound(drawn([0, 1n, 2n]), [vote(2n, 3)]);
    expect(readReportWord(chunks[0]!.words[0]!).votes.slice(0, 2)).to.deep.equal([null, 3]);
  });

  it("is one empty chunk when nothing was drawn", () => {
    const round = buildRound(drawn(), []);
    expect(round).to.deep.include({ votes: 0, evidence: [] });
    expect(round.chunks).to.deep.equal([{ index: 0, base: 0, words: [] }]);
    expect(new OpenedRound(AUDITOR, round).samples(0, hashOf(9))).to.deep.equal([]);
  });
});

describe("OpenedRound", () => {
  const round = roundOf(EPOCH, 3, 2);
  const opened = new OpenedRound(AUDITOR, round);

  it("commits to all of the round", () => {
    expect(opened.commitment).to.equal(
      commitment({
        auditor: AUDITOR,
        epoch: EPOCH,
        chunksRoot: chunksRoot(round.chunks.map(chunkHash)),
        chunkCount: 3,
        evidenceRoot: new MerkleTree(round.evidence.map(evidenceLeaf)).root,
        secret: round.secret,
      }),
    );
    const commitments = [
      opened,
      new OpenedRound(AUDITOR, { ...round, epoch: EPOCH + 1 }),
      new OpenedRound(AUDITOR, { ...round, secret: hashOf(9) }),
      new OpenedRound(AUDITOR, { ...round, evidence: round.evidence.slice(1) }),
      new OpenedRound(AUDITOR, { ...round, chunks: round.chunks.slice(1) }),
      new OpenedRound(`0x${"11".repeat(20)}`, round),
    ].map((each) => each.commitment);
    expect(new Set(commitments).size).to.equal(commitments.length);
  });

  it("shows with each chunk the hashes of all, in order", () => {
    const hashes = round.chunks.map(chunkHash);
    for (const [index, chunk] of opened.chunks.entries()) {
      expect(chunk).to.include({
        auditor: AUDITOR,
        epoch: EPOCH,
        index,
        count: 3,
        base: index * 2,
      });
      expect(chunk.hashes).to.deep.equal(hashes);
      expect(chunk.hashes[index]).to.equal(chunkHash(chunk));
    }
  });

  it("opens the evidence of exactly the votes that the seed picks", () => {
    const seed = hashOf(0x77);
    const picked = sampledSlots(round.chunks[1]!, seed);
    const samples = opened.samples(1, seed);
    expect(picked).to.have.length(2);
    expect(samples.map(({ number }) => Number(number))).to.deep.equal(picked);
    expect(samples.map(({ salt }) => salt)).to.deep.equal(
      picked.map((slot) => evidenceOf(BigInt(slot)).salt),
    );
    const root = opened.chunks[0]!.evidenceRoot;
    for (const [index, { proof }] of samples.entries()) {
      const leaf = evidenceLeaf(evidenceOf(BigInt(picked[index]!)));
      expect(SimpleMerkleTree.verify(root, leaf, [...proof])).to.equal(true);
    }
  });

  it("needs no evidence where every vote is FAILED", () => {
    const failed = new OpenedRound(AUDITOR, { ...roundOf(EPOCH, 1, 2, 0), evidence: [] });
    expect(failed.samples(0, hashOf(1))).to.deep.equal([]);
  });

  it("says which receipt is missing", () => {
    const bare = new OpenedRound(AUDITOR, { ...roundOf(EPOCH), evidence: [] });
    const error = expectCode("EVIDENCE_MISSING", () => bare.samples(0, hashOf(1)));
    expect(error.message).to.contain(`Round ${EPOCH}`).and.to.contain("slot 1,");
    expect(error.retryable).to.equal(false);
  });

  it("knows no chunk that is not there", () => {
    expect(() => opened.samples(3, hashOf(1))).to.throw(RangeError);
  });
});
