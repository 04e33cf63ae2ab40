import { expect } from "chai";
import fc from "fast-check";
import type { Hex } from "viem";
import {
  formatPrefix,
  ID_WORDS,
  parsePrefix,
  readWords,
  type Prefix,
} from "../../../src/resolver/table/prefix.ts";
import { PrefixTrie } from "../../../src/resolver/table/prefixTrie.ts";

import { expectCode } from "../../support/expectCode.ts";

/** IDs that differ in a few bits, anywhere, so that prefixes nest and fork at every depth. */
const ids = fc
  .tuple(
    fc.constantFrom("0", "f", "5"),
    fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 2 }),
  )
  .map(([digit, flipped]): Hex => {
    const bits = flipped.reduce(
      (value, bit) => value ^ (1n << BigInt(bit)),
      BigInt(`0x${digit.repeat(64)}`),
    );
    return `0x${bits.toString(16).padStart(64, "0")}`;
  });
const prefixes = fc
  .tuple(ids, fc.integer({ min: 0, max: 256 }))
  .map(([id, length]) => cut(id, length));

function cut(id: Hex, length: number): Prefix {
  const behind = BigInt(256 - length);
  const bits = (BigInt(id) >> behind) << behind;
  return { bits: `0x${bits.toString(16).padStart(64, "0")}`, length };
}

function covers({ bits, length }: Prefix, id: Hex): boolean {
  const behind = BigInt(256 - length);
  return BigInt(bits) >> behind === BigInt(id) >> behind;
}

describe("the trie of prefixes", () => {
  it("finds what a search through all prefixes finds, whatever is set and deleted", () => {
    const steps = fc.array(fc.record({ prefix: prefixes, isDeleted: fc.boolean(), near: ids }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(steps, (given) => {
        const trie = new PrefixTrie<number>();
        const plain = new Map<string, { prefix: Prefix; value: number }>();
        given.forEach(({ prefix, isDeleted, near }, step) => {
          // Half of the deletions meet a prefix that is set.
          const known = [...plain.values()][step % Math.max(1, plain.size)]?.prefix;
          const target = isDeleted && step % 2 === 0 && known ? known : prefix;
          if (isDeleted) {
            trie.delete(target);
            plain.delete(formatPrefix(target));
          } else {
            trie.set(target, step);
            plain.set(formatPrefix(target), { prefix: target, value: step });
          }
          for (const id of [near, target.bits]) {
            const longest = [...plain.values()]
              .filter((one) => covers(one.prefix, id))
              .sort((a, b) => b.prefix.length - a.prefix.length)[0];
            expect(trie.match(id)).to.equal(longest?.value);
          }
          expect(trie.get(target)).to.equal(plain.get(formatPrefix(target))?.value);
        });
        for (const { prefix, value } of plain.values()) expect(trie.get(prefix)).to.equal(value);
      }),
      { numRuns: 300 },
    );
  });

  it("grows past its first place, and shrinks to nothing", () => {
    const trie = new PrefixTrie<number>();
    const all = Array.from({ length: 5000 }, (_, index) =>
      cut(`0x${(index * 7919).toString(16).padStart(16, "0")}${"0".repeat(48)}`, 64),
    );
    all.forEach((prefix, index) => {
      trie.set(prefix, index);
    });
    all.forEach((prefix, index) => {
      expect(trie.match(prefix.bits)).to.equal(index);
    });
    for (const prefix of all) trie.delete(prefix);
    for (const prefix of all) expect(trie.match(prefix.bits)).to.equal(undefined);
  });
});

describe("prefixes", () => {
  it("read as they are written", () => {
    fc.assert(
      fc.property(prefixes, (prefix) => {
        expect(parsePrefix(formatPrefix(prefix))).to.deep.equal(prefix);
      }),
    );
  });

  it("mean all their digits without a length, and everything as `default`", () => {
    expect(formatPrefix(parsePrefix("0x0000000000000007"))).to.equal("0x0000000000000007/64");
    expect(formatPrefix(parsePrefix("default"))).to.equal("0x/0");
    expect(parsePrefix("0xAA/7").bits.slice(0, 4)).to.equal("0xaa");
  });

  for (const text of ["", "0x", "7/64", "0x07/257", "0x0g/8", `0x${"0".repeat(65)}`, "0x1/-1"]) {
    it(`are not ${JSON.stringify(text)}`, () => {
      expectCode("PREFIX_INVALID", () => parsePrefix(text));
    });
  }

  it("have no bits behind their length", () => {
    expectCode("PREFIX_INVALID", () => parsePrefix("0x0000000000000007/60"));
  });

  it("are compared by words that hold each digit, in either case", () => {
    const words = new Uint32Array(ID_WORDS);
    readWords(`0x${"0123456789abcdefABCDEF9876543210".repeat(2)}`, words);
    const again = [0x01234567, 0x89abcdef, 0xabcdef98, 0x76543210];
    expect([...words]).to.deep.equal([...again, ...again]);
  });
});
