import { expect } from "chai";
import fc from "fast-check";
import { compileKeccak, platform as node } from "../../src/protocol/platform/node.ts";
import { platform as portable } from "../../src/protocol/platform/portable.ts";
import { bytesToHex } from "../../src/protocol/bytes.ts";
import { bytes } from "../support/arbitraries.ts";

describe("platform", () => {
  it("is portable without a choice of Node's", () => {
    expect(portable.nativeCurve).to.equal(undefined);
    expect(node.nativeCurve).not.to.equal(undefined);
  });

  it("hashes the same on Node and elsewhere", async () => {
    const compiled = await compileKeccak();
    fc.assert(
      fc.property(bytes(32), fc.uint8Array({ maxLength: 300 }), (key, message) => {
        for (const run of [
          ({ sha256 }: typeof node) => sha256(message),
          ({ hmacSha256 }: typeof node) => hmacSha256(key, message),
        ]) {
          expect(bytesToHex(run(portable))).to.equal(bytesToHex(run(node)));
        }
        const hash = bytesToHex(portable.keccak256(message));
        expect(bytesToHex(compiled(message))).to.equal(hash);
        expect(bytesToHex(node.keccak256(message))).to.equal(hash);
        expect(portable.base64Url(message)).to.equal(node.base64Url(message));
      }),
    );
  });
});
