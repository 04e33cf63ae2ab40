import { expect } from "chai";
import { AbiCoder, keccak256 } from "ethers";
import fc from "fast-check";
import type { Hex } from "viem";
import { bytesToHex, word, ZERO_HASH } from "../../src/protocol/bytes.ts";
import { MerkleTree } from "../../src/protocol/merkleTree.ts";
import {
  chunkHash,
  commitment,
  contacts,
  evidenceLeaf,
  MAX_WORDS,
  provesLeaf,
  sampledSlots,
  SAMPLES,
  toChunks,
  type Chunk,
} from "../../src/protocol/round.ts";
import { readReportWord, reportWord, type Grade } from "../../src/protocol/tally.ts";
import { hash } from "../support/arbitraries.ts";
import { expectCode } from "../support/expectCode.ts";

const abi = AbiCoder.defaultAbiCoder();
const votes = fc.array(fc.constantFrom<Grade | null>(null, 0, 1, 2, 3), {
  minLength: 15,
  maxLength: 15,
});
const reports = fc
  .uniqueArray(fc.nat({ max: 400_000 }), { maxLength: 60 })
  .chain((shards) =>
    fc.tuple(
      ...shards
        .sort((a, b) => a - b)
        .map((shard) => votes.map((value) => ({ shard, votes: reportWord(0, value) }))),
    ),
  );

/** OpenZeppelin's `MerkleProof.processProof`, written anew. */
function rootOf(leaf: Hex, proof: readonly Hex[]): string {
  return proof.reduce<string>(
    (node, sibling) =>
      keccak256(node < sibling ? node + sibling.slice(2) : sibling + node.slice(2)),
    leaf,
  );
}

describe("toChunks", () => {
  it("keeps every report, in order, within the limits of a chunk", () => {
    fc.assert(
      fc.property(reports, fc.integer({ min: 1, max: 9 }), (list, maxWords) => {
        const chunks = toChunks(list, maxWords);
        const read = chunks.flatMap((chunk) =>
          chunk.words.map((packed) => ({
            shard: chunk.base + readReportWord(packed).offset,
            votes: packed & ((1n << 240n) - 1n),
          })),
        );
        expect(read).to.deep.equal(list);
        chunks.forEach((chunk, i) => {
          expect(chunk.index).to.equal(i);
          expect(chunk.words.length).to.be.at.most(maxWords);
          expect(chunk.words.every((value) => value >> 256n === 0n)).to.equal(true);
        });
      }),
    );
  });

  it("fills a chunk with 512 words before it begins another", () => {
    const list = Array.from({ length: MAX_WORDS + 1 }, (_, shard) => ({ shard, votes: 1n }));
    const lengths = (count: number) =>
      toChunks(list.slice(0, count)).map((chunk) => chunk.words.length);
    expect(lengths(MAX_WORDS - 1)).to.deep.equal([511]);
    expect(lengths(MAX_WORDS)).to.deep.equal([512]);
    expect(lengths(MAX_WORDS + 1)).to.deep.equal([512, 1]);
  });

  it("lets a chunk span 65,536 shards and not one more", () => {
    const at = (...shards: number[]) =>
      toChunks(shards.map((shard) => ({ shard, votes: 1n }))).map(({ base }) => base);
    expect(at(10, 10 + 65_535)).to.deep.equal([10]);
    expect(at(10, 10 + 65_536)).to.deep.equal([10, 65_546]);
  });

  it("makes one empty chunk of no votes, so that an empty round can be revealed", () => {
    expect(toChunks([])).to.deep.equal([{ index: 0, base: 0, words: [] }]);
  });
});

describe("hashes of a round", () => {
  const chunk: Chunk = { index: 2, base: 65_536, words: [1n, (1n << 256n) - 1n] };
  const evidence = {
    number: 7n,
    salt: `0x${"01".repeat(32)}`,
    channel: `0x${"02".repeat(32)}`,
    issuedAt: 1_750_000_000_000n,
    signature: `0x${"03".repeat(65)}`,
  } as const;
  const round = {
    auditor: "0x5FbDB2315678afecb367f032d93F642f64180aa3",
    epoch: 4_294_967_295,
    chunksRoot: `0x${"01".repeat(32)}`,
    chunkCount: 3,
    evidenceRoot: `0x${"02".repeat(32)}`,
    secret: `0x${"03".repeat(32)}`,
  } as const;

  it("hashes a chunk as ethers encodes it, 128 bytes at least", () => {
    const encode = (value: Chunk) =>
      abi.encode(["uint256", "uint256", "uint256[]"], [value.index, value.base, value.words]);
    expect(chunkHash(chunk)).to.equal(keccak256(encode(chunk)));
    const empty = { index: 0, base: 0, words: [] };
    expect(chunkHash(empty)).to.equal(keccak256(encode(empty)));
    // Longer than two hashes, so no chunk can pass for an inner node of the tree.
    expect((encode(empty).length - 2) / 2).to.equal(128);
  });

  it("hashes evidence twice", () => {
    const inner = keccak256(
      abi.encode(
        ["uint64", "bytes32", "bytes32", "uint64", "bytes"],
        [evidence.number, evidence.salt, evidence.channel, evidence.issuedAt, evidence.signature],
      ),
    );
    expect(evidenceLeaf(evidence)).to.equal(keccak256(inner));
  });

  it("commits to every field", () => {
    expect(commitment(round)).to.equal(
      keccak256(
        abi.encode(
          ["address", "uint32", "bytes32", "uint256", "bytes32", "bytes32"],
          Object.values(round),
        ),
      ),
    );
    const others = [
      { ...round, auditor: `0x${"11".repeat(20)}` as const },
      { ...round, epoch: 0 },
      { ...round, chunksRoot: ZERO_HASH },
      { ...round, chunkCount: 4 },
      { ...round, evidenceRoot: ZERO_HASH },
      { ...round, secret: ZERO_HASH },
    ];
    expect(new Set([round, ...others].map(commitment)).size).to.equal(7);
  });
});

describe("MerkleTree", () => {
  it("proves every leaf, for every number of leaves", () => {
    for (let count = 1; count <= 20; count++) {
      const leaves = Array.from({ length: count }, (_, i) => keccak256(bytesToHex(word(i))) as Hex);
      const tree = new MerkleTree(leaves);
      for (const leaf of leaves) {
        const proof = tree.proof(leaf);
        expect(rootOf(leaf, proof), `${count} leaves`).to.equal(tree.root);
        expect(provesLeaf(tree.root, leaf, proof)).to.equal(true);
        expect(provesLeaf(tree.root, keccak256(leaf) as Hex, proof)).to.equal(false);
        expect(provesLeaf(ZERO_HASH, leaf, proof)).to.equal(false);
        expect(provesLeaf(tree.root, leaf, [...proof, ZERO_HASH])).to.equal(false);
      }
    }
  });

  it("proves random leaves, whatever their order", () => {
    fc.assert(
      fc.property(fc.uniqueArray(hash, { minLength: 1, maxLength: 40 }), (leaves) => {
        const tree = new MerkleTree(leaves);
        expect(new MerkleTree([...leaves].reverse()).root).to.equal(tree.root);
        for (const leaf of leaves) expect(rootOf(leaf, tree.proof(leaf))).to.equal(tree.root);
      }),
      { numRuns: 30 },
    );
  });

  it("is its leaf alone, and zero of none", () => {
    const leaf = keccak256("0x01") as Hex;
    expect(new MerkleTree([leaf]).root).to.equal(leaf);
    expect(new MerkleTree([leaf]).proof(leaf)).to.deep.equal([]);
    expect(new MerkleTree([]).root).to.equal(ZERO_HASH);
  });

  it("has no proof of a leaf that it does not hold", () => {
    const leaf = keccak256("0x01") as Hex;
    const other = keccak256("0x02") as Hex;
    expectCode("MERKLE_LEAF_UNKNOWN", () => new MerkleTree([leaf]).proof(other));
    expectCode("MERKLE_LEAF_UNKNOWN", () => new MerkleTree([]).proof(leaf));
  });
});

describe("sampledSlots", () => {
  const base = 3;
  const words = [
    reportWord(0, [null, 0, 1]),
    reportWord(4, [0, 0, 0]),
    reportWord(7, [3, ...Array<null>(13).fill(null), 2]),
  ];
  const chunk: Chunk = { index: 1, base, words };

  it("lists contacts word by word, then lane by lane; FAILED claims none", () => {
    expect(contacts(chunk)).to.deep.equal([3 * 15 + 3, 10 * 15 + 1, 10 * 15 + 15]);
  });

  it("picks by seed, chunk and sample among the contacts", () => {
    fc.assert(
      fc.property(hash, (seed) => {
        const slots = contacts(chunk);
        const expected = [0, 1].map((sample) => {
          const pick = keccak256(
            abi.encode(["bytes32", "bytes32", "uint256"], [seed, chunkHash(chunk), sample]),
          );
          return slots[Number(BigInt(pick) % 3n)];
        });
        expect(sampledSlots(chunk, seed)).to.deep.equal(expected);
      }),
    );
  });

  it("asks twice for the only contact: samples are drawn with replacement", () => {
    const one = { index: 0, base: 0, words: [reportWord(0, [2])] };
    expect(SAMPLES).to.equal(2);
    expect(sampledSlots(one, ZERO_HASH)).to.deep.equal([1, 1]);
  });

  it("asks for nothing where no vote claims a contact", () => {
    const failed = { index: 0, base: 0, words: [reportWord(0, [0, 0]), reportWord(1, [])] };
    expect(sampledSlots(failed, ZERO_HASH)).to.deep.equal([]);
    expect(sampledSlots({ index: 0, base: 0, words: [] }, ZERO_HASH)).to.deep.equal([]);
  });
});
