import { expect } from "chai";
import { AbiCoder, keccak256 } from "ethers";
import fc from "fast-check";
import type { Hex } from "viem";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { isLabel, labelCommitment } from "../../src/protocol/label.ts";
import { address, hash } from "../support/arbitraries.ts";
import vectors from "../vectors/label.json" with { type: "json" };

const ALLOWED = new TextEncoder().encode("abcdefghijklmnopqrstuvwxyz0123456789-");

/** The rule in the words of `LabelLib`, a character after the other. */
function plainly(label: string): boolean {
  const bytes = new TextEncoder().encode(label);
  if (bytes.length < 1 || bytes.length > 63) return false;
  if (label.startsWith("-") || label.endsWith("-")) return false;
  if (label[2] === "-" && label[3] === "-") return false;
  return label !== "id" && bytes.every((byte) => ALLOWED.includes(byte));
}

const near = fc.string({ unit: fc.constantFrom("a", "z", "0", "9", "-", "id"), maxLength: 66 });
const anything = fc.string({ unit: "binary", maxLength: 6 });

describe("labels", () => {
  it("meet the vectors", () => {
    expect(vectors.label.length).to.be.at.least(40);
    for (const [i, bytes] of vectors.label.entries()) {
      const label = new TextDecoder().decode(hexToBytes(bytes as Hex));
      expect(isLabel(label), `${i}: ${label}`).to.equal(vectors.valid[i]);
      expect(plainly(label), `${i}: ${label}, plainly`).to.equal(vectors.valid[i]);
      const commitment = labelCommitment(label, vectors.owner[i] as Hex, vectors.salt[i] as Hex);
      expect(commitment, `${i}: commitment`).to.equal(vectors.commitment[i]);
    }
  });

  it("are valid by the rule and no other", () => {
    fc.assert(
      fc.property(fc.oneof(near, anything), (label) => {
        expect(isLabel(label)).to.equal(plainly(label));
      }),
      { numRuns: 2_000 },
    );
  });

  it("are committed to with owner and salt", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), address, hash, (label, owner, salt) => {
        const encoded = AbiCoder.defaultAbiCoder().encode(
          ["string", "address", "bytes32"],
          [label, owner, salt],
        );
        expect(labelCommitment(label, owner, salt)).to.equal(keccak256(encoded));
      }),
    );
  });
});
