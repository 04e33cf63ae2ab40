import { expect } from "chai";
import fc from "fast-check";
import { zeroAddress, type Address } from "viem";
import { parseServiceId, rootServiceId, serviceId } from "../../src/protocol/serviceId.ts";
import { address, hash } from "../support/arbitraries.ts";
import { expectCode } from "../support/expectCode.ts";

const SIGNER: Address = "0x00000000000000000000000000000000000000Ff";
const MAX_PREFIX = (1n << 64n) - 1n;

describe("serviceId", () => {
  it("packs prefix, group and self from the top down", () => {
    expect(serviceId({ prefix: 0x0102n, group: 0x0a0b, self: SIGNER })).to.equal(
      "0x000000000000010200000a0b00000000000000000000000000000000000000ff",
    );
    expect(rootServiceId(1n)).to.equal(`0x${"00".repeat(7)}01${"00".repeat(24)}`);
  });

  it("reads back what it packed", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: MAX_PREFIX }),
        fc.nat({ max: 0xffff_ffff }),
        address.filter((self) => self !== zeroAddress),
        (prefix, group, self) => {
          const parts = { prefix, group, self };
          expect(parseServiceId(serviceId(parts))).to.deep.equal(parts);
          expect(parseServiceId(rootServiceId(prefix))).to.deep.equal({
            prefix,
            group: 0,
            self: zeroAddress,
          });
        },
      ),
    );
  });

  it("reads upper-case digits", () => {
    const id = serviceId({ prefix: 255n, group: 1, self: SIGNER });
    expect(parseServiceId(`0x${id.slice(2).toUpperCase()}`).prefix).to.equal(255n);
  });

  const outOfRange: [string, Parameters<typeof serviceId>[0]][] = [
    ["prefix 0, the default route", { prefix: 0n, group: 0, self: zeroAddress }],
    ["a negative prefix", { prefix: -1n, group: 0, self: zeroAddress }],
    ["a prefix of 65 bits", { prefix: MAX_PREFIX + 1n, group: 0, self: zeroAddress }],
    ["a group without a signer", { prefix: 1n, group: 1, self: zeroAddress }],
    ["a negative group", { prefix: 1n, group: -1, self: SIGNER }],
    ["a fractional group", { prefix: 1n, group: 0.5, self: SIGNER }],
    ["a group of 33 bits", { prefix: 1n, group: 2 ** 32, self: SIGNER }],
    ["a group that is no number", { prefix: 1n, group: NaN, self: SIGNER }],
    ["a self of 164 bits", { prefix: 1n, group: 0, self: `0x1${"00".repeat(20)}` }],
    ["a short self", { prefix: 1n, group: 0, self: "0xff" }],
    ["a self that is no hex", { prefix: 1n, group: 0, self: `0x${"zz".repeat(20)}` }],
  ];
  for (const [what, parts] of outOfRange) {
    it(`refuses ${what}`, () => {
      const error = expectCode("SERVICE_ID_INVALID", () => serviceId(parts));
      expect(error.remedy).to.be.a("string");
    });
  }

  const malformed: [string, string][] = [
    ["the empty string", ""],
    ["no prefix 0x", "11".repeat(32)],
    ["31 bytes", `0x${"11".repeat(31)}`],
    ["33 bytes", `0x${"11".repeat(33)}`],
    ["a digit that is none", `0x${"11".repeat(31)}1g`],
    ["a line feed behind", `0x${"11".repeat(32)}\n`],
    ["all zero", `0x${"00".repeat(32)}`],
    ["a group without a signer", `0x${"00".repeat(7)}0100000001${"00".repeat(20)}`],
    ["a megabyte", `0x${"1".repeat(1 << 20)}`],
  ];
  for (const [what, id] of malformed) {
    it(`does not read ${what}`, () => {
      const error = expectCode("SERVICE_ID_INVALID", () => parseServiceId(id));
      expect(error.message.length, "the message stays short").to.be.below(300);
    });
  }

  it("reads any word or says why not", () => {
    fc.assert(
      fc.property(hash, (id) => {
        // 64 random bits of prefix are never 0 here, and 160 of self neither.
        expect(serviceId(parseServiceId(id))).to.equal(id);
      }),
    );
  });
});
