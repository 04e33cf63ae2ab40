import { expect } from "chai";
import { decodeField, decodePayment, encodeField } from "../../src/protocol/x402.ts";
import { expectCode } from "../support/expectCode.ts";

/** An object in an object, so many times. */
function nested(depth: number): string {
  return `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
}
const field = (json: string) => Buffer.from(json).toString("base64");

describe("a header field of x402", () => {
  it("is read as it was written", () => {
    const content = { x402Version: 2, error: "Zahlung nötig", accepts: [{ extra: {} }] };
    expect(decodeField(encodeField(content))).to.deep.equal(content);
  });

  it("is nested as deep as a quote may be, and not so deep that its reading needs much stack", () => {
    expect(decodeField(field(nested(16)))).to.deep.equal(JSON.parse(nested(16)));
    for (const depth of [17, 1_000, 100_000]) {
      for (const read of [decodeField, decodePayment]) {
        expectCode("PAYMENT_MALFORMED", () => read(field(nested(depth))));
      }
    }
  });

  it("is refused in any other form", () => {
    for (const text of ["", "%", "e30=e30=", field("{"), Buffer.from([0xff]).toString("base64")]) {
      expectCode("PAYMENT_MALFORMED", () => decodeField(text));
    }
  });
});
