import { expect } from "chai";
import { keccak256 as ethersKeccak } from "ethers";
import fc from "fast-check";
import {
  bytesToHex,
  concatBytes,
  hexToBytes,
  keccak,
  word,
  ZERO_HASH,
} from "../../src/protocol/bytes.ts";
import "../support/arbitraries.ts";

describe("bytes", () => {
  it("hashes as ethers does", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (value) => {
        expect(bytesToHex(keccak(value))).to.equal(ethersKeccak(value));
      }),
    );
  });

  it("turns bytes into hex and back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (value) => {
        const hex = bytesToHex(value);
        expect(hex).to.match(/^0x([0-9a-f]{2})*$/);
        expect(hexToBytes(hex)).to.deep.equal(value);
      }),
    );
  });

  it("joins byte strings, none included", () => {
    expect(concatBytes()).to.deep.equal(new Uint8Array());
    expect(
      concatBytes(new Uint8Array([1]), new Uint8Array(), new Uint8Array([2, 3])),
    ).to.deep.equal(new Uint8Array([1, 2, 3]));
  });

  it("writes integers as ABI words", () => {
    expect(bytesToHex(word(0))).to.equal(ZERO_HASH);
    expect(bytesToHex(word(258))).to.equal(`0x${"00".repeat(30)}0102`);
    expect(bytesToHex(word((1n << 256n) - 1n))).to.equal(`0x${"ff".repeat(32)}`);
  });

  it("refuses integers that are no word", () => {
    expect(() => word(1n << 256n)).to.throw();
    expect(() => word(-1n)).to.throw();
  });
});
