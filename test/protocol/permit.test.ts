import { expect } from "chai";
import fc from "fast-check";
import { concat, numberToHex, recoverTypedDataAddress, type Address, type Hex } from "viem";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { signPermit } from "../../src/protocol/permit.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";

const KEY: Hex = `0x${"4b".repeat(32)}`;
const TOKEN: Address = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
const SPENDER: Address = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512";
const types = {
  Permit: [
    { name: "owner", type: "address" },
    { name: "spender", type: "address" },
    { name: "value", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
} as const;

describe("signPermit", () => {
  it("signs what any wallet would show of an ERC-2612 permit", async () => {
    const word = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
    await fc.assert(
      fc.asyncProperty(word, word, word, async (value, nonce, deadline) => {
        const owner = addressOfKey(KEY);
        const domain = blockcloudDomain(31_337n, TOKEN);
        const message = { owner, spender: SPENDER, value, nonce, deadline };
        const permit = signPermit(domain, message, hexToBytes(KEY));
        expect(permit).to.include({ value, deadline });
        const signature = concat([permit.r, permit.s, numberToHex(permit.v, { size: 1 })]);
        const typed = { domain, types, primaryType: "Permit", message, signature } as const;
        expect(await recoverTypedDataAddress(typed)).to.equal(owner);
      }),
      { numRuns: 50 },
    );
  });
});
