import { expect } from "chai";
import { AbiCoder, keccak256, solidityPackedKeccak256 } from "ethers";
import fc from "fast-check";
import {
  drawKey,
  drawnWeight,
  expectedWeight,
  inspectionNonce,
  K,
  placeOf,
  LANES,
  MAX_WEIGHT,
  slotAt,
} from "../../src/protocol/sortition.ts";
import { address, hash, uint64 } from "../support/arbitraries.ts";

const ONE = 1n << 64n;
const abi = AbiCoder.defaultAbiCoder();

describe("shards and lanes", () => {
  it("begin with slot 1 and hold 15 each", () => {
    expect(placeOf(1)).to.deep.equal({ shard: 0, lane: 0 });
    expect(placeOf(15)).to.deep.equal({ shard: 0, lane: 14 });
    expect(placeOf(16)).to.deep.equal({ shard: 1, lane: 0 });
    expect(slotAt(0, 0)).to.equal(1);
  });

  it("name every slot up to the largest shard", () => {
    fc.assert(
      fc.property(fc.nat({ max: 0xffff_fffe }), fc.nat({ max: LANES - 1 }), (shard, lane) => {
        expect(placeOf(slotAt(shard, lane))).to.deep.equal({ shard, lane });
      }),
    );
  });
});

describe("expectedWeight", () => {
  const stakes = fc.bigInt({ min: 0n, max: (1n << 96n) - 1n });

  it("is K * stake / total, rounded down to a 64th bit, at most 15", () => {
    fc.assert(
      fc.property(stakes, stakes, (stake, others) => {
        const total = stake + others + 1n;
        const x = expectedWeight(stake, total);
        expect(x * total <= K * stake * ONE && K * stake * ONE < (x + 1n) * total).to.equal(true);
      }),
    );
  });

  it("is K for all the stake there is", () => {
    expect(K).to.equal(7n);
    expect(expectedWeight(5n, 5n)).to.equal(7n * ONE);
  });

  it("stops at 15", () => {
    expect(MAX_WEIGHT).to.equal(15n);
    expect(expectedWeight(15n, 7n)).to.equal(15n * ONE);
    expect(expectedWeight(16n, 7n)).to.equal(15n * ONE);
  });

  it("is 0 without stake, even if no auditor has stake", () => {
    expect(expectedWeight(0n, 0n)).to.equal(0n);
    expect(expectedWeight(0n, 1n)).to.equal(0n);
  });
});

describe("draw", () => {
  it("derives y and nonce as ethers encodes them", () => {
    fc.assert(
      fc.property(hash, hash, address, uint64, (seed, secret, auditor, number) => {
        const y = drawKey(seed, secret, auditor);
        expect(y).to.equal(
          keccak256(abi.encode(["bytes32", "bytes32", "address"], [seed, secret, auditor])),
        );
        expect(inspectionNonce(y, number, secret)).to.equal(
          keccak256(abi.encode(["bytes32", "uint64", "bytes32"], [y, number, secret])),
        );
      }),
    );
  });

  it("adds 1 to the whole part exactly when the ticket lies below the fraction", () => {
    fc.assert(
      fc.property(
        hash,
        fc.nat({ max: 0xffff_fffe }),
        fc.bigInt({ min: 0n, max: 14n }),
        (y, shard, whole) => {
          const ticket =
            BigInt(solidityPackedKeccak256(["bytes32", "uint256"], [y, shard])) >> 192n;
          const draw = (fraction: bigint) => drawnWeight(y, shard, whole * ONE + fraction);
          expect(draw(ticket)).to.equal(Number(whole));
          expect(draw(0n)).to.equal(Number(whole));
          fc.pre(ticket + 1n < ONE);
          expect(draw(ticket + 1n)).to.equal(Number(whole) + 1);
        },
      ),
    );
  });

  it("never draws more than 15, nor anything without stake", () => {
    fc.assert(
      fc.property(hash, fc.nat(), (y, shard) => {
        expect(drawnWeight(y, shard, 15n * ONE)).to.equal(15);
        expect(drawnWeight(y, shard, 0n)).to.equal(0);
      }),
    );
  });
});
