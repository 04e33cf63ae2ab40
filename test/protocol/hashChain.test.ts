import { createHmac } from "node:crypto";
import { expect } from "chai";
import { AbiCoder, keccak256 } from "ethers";
import fc from "fast-check";
import type { Hex } from "viem";
import { HASH_CHAIN_LENGTH, HashChain, MAX_STEPS } from "../../src/protocol/hashChain.ts";
import { bytes } from "../support/arbitraries.ts";
import { expectCode } from "../support/expectCode.ts";

const key = new Uint8Array(32).fill(7);
const scope = {
  chainId: 31_337n,
  contract: "0x5FbDB2315678afecb367f032d93F642f64180aa3",
  chainNumber: 0,
} as const;
const ANCHOR = 100;
const LENGTH = 20;

function hashed(element: Hex, times: number): string {
  let result: string = element;
  for (let i = 0; i < times; i++) result = keccak256(result);
  return result;
}

describe("HashChain", () => {
  it("leads from each epoch's secret to the tip in as many hashes as epochs since the anchor", () => {
    const chain = new HashChain(key, scope, LENGTH);
    for (let epoch = ANCHOR + 1; epoch <= ANCHOR + LENGTH; epoch++) {
      expect(hashed(chain.secret(epoch, ANCHOR), epoch - ANCHOR), `${epoch}`).to.equal(chain.tip);
    }
  });

  it("keeps each secret below the one before: a shown one tells nothing of later ones", () => {
    const chain = new HashChain(key, scope, LENGTH);
    expect(keccak256(chain.secret(ANCHOR + 2, ANCHOR))).to.equal(chain.secret(ANCHOR + 1, ANCHOR));
  });

  it("starts from the HMAC of its scope", () => {
    const message = AbiCoder.defaultAbiCoder().encode(
      ["uint256", "address", "uint256"],
      [scope.chainId, scope.contract, 3],
    );
    const first = createHmac("sha256", key).update(Buffer.from(message.slice(2), "hex"));
    const chain = new HashChain(key, { ...scope, chainNumber: 3 }, 5);
    expect(chain.secret(5, 0)).to.equal(`0x${first.digest("hex")}`);
  });

  it("is the same for the same key and scope, and another for any other", () => {
    const tips = [
      new HashChain(key, scope, 2),
      new HashChain(new Uint8Array(32).fill(8), scope, 2),
      new HashChain(key, { ...scope, chainId: 1n }, 2),
      new HashChain(key, { ...scope, contract: `0x${"11".repeat(20)}` }, 2),
      new HashChain(key, { ...scope, chainNumber: 1 }, 2),
    ].map((chain) => chain.tip);
    expect(new Set(tips).size).to.equal(tips.length);
    expect(new HashChain(key, scope, 2).tip).to.equal(tips[0]);
  });

  it("has a secret for each of its epochs and none outside", () => {
    const chain = new HashChain(key, scope, LENGTH);
    const outside = [ANCHOR, ANCHOR - 1, 0, -1, ANCHOR + LENGTH + 1, 1e9, ANCHOR + 1.5, NaN];
    for (const epoch of outside) {
      const error = expectCode("HASH_CHAIN_EXHAUSTED", () => chain.secret(epoch, ANCHOR));
      expect(error.message).to.include(`epochs ${ANCHOR + 1} to ${ANCHOR + LENGTH}`);
    }
    expect(chain.secret(ANCHOR + LENGTH, ANCHOR)).to.match(/^0x[0-9a-f]{64}$/);
  });

  it("does not depend on where its anchor lies", () => {
    const chain = new HashChain(key, scope, LENGTH);
    fc.assert(
      fc.property(fc.nat({ max: 1e6 }), fc.integer({ min: 1, max: LENGTH }), (anchor, step) => {
        expect(chain.secret(anchor + step, anchor)).to.equal(chain.secret(step, 0));
      }),
    );
  });

  it("gives unlike keys unlike secrets", () => {
    fc.assert(
      fc.property(bytes(32), bytes(32), (one, other) => {
        fc.pre(Buffer.compare(one, other) !== 0);
        expect(new HashChain(one, scope, 1).tip).not.to.equal(new HashChain(other, scope, 1).tip);
      }),
      { numRuns: 20 },
    );
  });

  it("is long enough for the steps that one reveal may take", () => {
    expect(HASH_CHAIN_LENGTH).to.equal(16_384);
    expect(MAX_STEPS).to.equal(512);
    const chain = new HashChain(key, scope);
    expect(chain.secret(HASH_CHAIN_LENGTH, 0)).to.equal(new HashChain(key, scope, 1).secret(1, 0));
  });
});
