import { expect } from "chai";
import fc from "fast-check";
import { decodeBase64Url, encodeBase64Url } from "../../src/protocol/base64url.ts";
import "../support/arbitraries.ts";

describe("base64url", () => {
  it("writes and reads bytes as Node does", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = Buffer.from(bytes).toString("base64url");
        expect(encodeBase64Url(bytes)).to.equal(text);
        expect(decodeBase64Url(text)).to.deep.equal(bytes);
      }),
    );
  });

  it("reads no text that Node would write otherwise", () => {
    const text = fc.string({
      unit: fc.constantFrom(
        ...["A", "Q", "g", "w", "0", "5", "9", "-", "_", "+", "/", "=", "\u00e9"],
      ),
      maxLength: 12,
    });
    fc.assert(
      fc.property(text, (given) => {
        const isCanonical = Buffer.from(given, "base64url").toString("base64url") === given;
        expect(decodeBase64Url(given) !== undefined).to.equal(isCanonical);
      }),
      { numRuns: 2_000 },
    );
  });
});
