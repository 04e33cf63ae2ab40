import { expect } from "chai";
import { AbiCoder, keccak256, TypedDataEncoder } from "ethers";
import fc from "fast-check";
import { hashTypedData, type Hex } from "viem";
import { bytesToHex, hexToBytes } from "../../src/protocol/bytes.ts";
import {
  decodeReceipt,
  EMPTY_DIGEST,
  encodeReceipt,
  httpChannel,
  isNonce,
  ReceiptSigner,
  sha256,
  type HttpExchange,
  type SignedReceipt,
} from "../../src/protocol/receipt.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { blockcloudDomain, typedData } from "../../src/protocol/typedData.ts";
import { bytes, hash, privateKey, uint64 } from "../support/arbitraries.ts";
import { expectCode } from "../support/expectCode.ts";

const domain = blockcloudDomain(11_155_111n, "0x5FbDB2315678afecb367f032d93F642f64180aa3");
const signer = new ReceiptSigner(domain);
const types = { ServiceReceipt: [...typedData.ServiceReceipt] };
const receiptFields = fc.record({ serviceId: hash, nonce: hash, channel: hash, issuedAt: uint64 });
const signedReceipt: fc.Arbitrary<SignedReceipt> = fc.record({
  serviceId: hash,
  nonce: hash,
  channel: hash,
  issuedAt: uint64,
  signature: bytes(65).map(bytesToHex),
});
const sample: SignedReceipt = {
  serviceId: `0x${"01".repeat(32)}`,
  nonce: `0x${"02".repeat(32)}`,
  channel: `0x${"03".repeat(32)}`,
  issuedAt: 4n,
  signature: `0x${"05".repeat(65)}`,
};

/** The header of other bytes than the sample's: `at` is a byte offset into the ABI encoding. */
function corrupted(at: number, value: number): string {
  const copy = Buffer.from(encodeReceipt(sample), "base64url");
  copy[at] = value;
  return copy.toString("base64url");
}

describe("receipt", () => {
  it("digests by hand what viem and ethers digest by schema", () => {
    fc.assert(
      fc.property(receiptFields, (receipt) => {
        const digest = bytesToHex(signer.digest(receipt));
        expect(digest).to.equal(
          hashTypedData({ domain, types, primaryType: "ServiceReceipt", message: receipt }),
        );
        expect(digest).to.equal(TypedDataEncoder.hash(domain, types, receipt));
      }),
    );
  });

  it("names its signer, and another for any other field", () => {
    fc.assert(
      fc.property(receiptFields, privateKey, (receipt, key) => {
        const signed = signer.sign(receipt, key);
        const address = addressOfKey(key);
        expect(signer.recover(signed)).to.equal(address);
        expect(signer.recover({ ...signed, issuedAt: receipt.issuedAt ^ 1n })).not.to.equal(
          address,
        );
        expect(signer.recover({ ...signed, nonce: sample.nonce })).not.to.equal(address);
        expect(signer.recover({ ...signed, channel: sample.channel })).not.to.equal(address);
        expect(signer.recover({ ...signed, serviceId: sample.serviceId })).not.to.equal(address);
        const elsewhere = new ReceiptSigner({ ...domain, chainId: 1n });
        expect(elsewhere.recover(signed)).not.to.equal(address);
      }),
      { numRuns: 25 },
    );
  });

  it("is issued in one step as it is signed and encoded in two", () => {
    fc.assert(
      fc.property(receiptFields, privateKey, ({ serviceId, nonce, channel, issuedAt }, key) => {
        const signed = signer.sign({ serviceId, nonce, channel, issuedAt }, key);
        const fields = {
          serviceId: hexToBytes(serviceId),
          nonce: hexToBytes(nonce),
          channel: hexToBytes(channel),
          issuedAt,
        };
        expect(signer.issue(fields, key)).to.equal(encodeReceipt(signed));
      }),
      { numRuns: 25 },
    );
  });

  it("is not encoded with a field of another size", () => {
    for (const wrong of [{ nonce: "0x01" }, { issuedAt: 2n ** 64n }, { issuedAt: -1n }] as const) {
      expect(() => encodeReceipt({ ...sample, ...wrong })).to.throw(RangeError);
    }
  });

  it("recovers no signer from an invalid signature", () => {
    expect(signer.recover({ ...sample, signature: "0x" })).to.equal(undefined);
    expect(signer.recover(sample)).to.equal(undefined);
  });

  describe("header", () => {
    it("reads back what it wrote", () => {
      fc.assert(
        fc.property(signedReceipt, (receipt) => {
          const header = encodeReceipt(receipt);
          expect(header).to.match(/^[A-Za-z0-9_-]{384}$/);
          expect(decodeReceipt(header)).to.deep.equal(receipt);
        }),
      );
    });

    it("is the ABI encoding, by ethers' account", () => {
      const encoded = AbiCoder.defaultAbiCoder().encode(
        ["bytes32", "bytes32", "bytes32", "uint64", "bytes"],
        [sample.serviceId, sample.nonce, sample.channel, sample.issuedAt, sample.signature],
      );
      expect(encodeReceipt(sample)).to.equal(
        Buffer.from(hexToBytes(encoded as Hex)).toString("base64url"),
      );
    });

    const good = encodeReceipt(sample);
    const hostile: [string, string][] = [
      ["nothing", ""],
      ["text", "not a receipt"],
      ["a character too few", good.slice(0, -1)],
      ["a character too many", `${good}A`],
      ["padding", `${good}=`],
      ["a space within", `${good.slice(0, 9)} ${good.slice(9)}`],
      ["base64 instead of base64url", `${good.slice(0, -1)}+`],
      ["zero bytes of the right length", "A".repeat(384)],
      ["ones of the right length", "_".repeat(384)],
      // Contracts and other readers refuse it: the field has 64 bits.
      ["a time of 65 bits", corrupted(3 * 32 + 23, 1)],
      ["another offset of the signature", corrupted(4 * 32 + 31, 0x80)],
      ["a signature of 64 bytes", corrupted(5 * 32 + 31, 64)],
      ["a signature of 66 bytes", corrupted(5 * 32 + 31, 66)],
      ["a signature longer than the header", corrupted(5 * 32, 1)],
      ["bytes behind the signature", corrupted(9 * 32 - 1, 1)],
      ["a megabyte", "A".repeat(1 << 20)],
    ];
    for (const [what, header] of hostile) {
      it(`refuses ${what}`, () => {
        expectCode("RECEIPT_MALFORMED", () => decodeReceipt(header));
      });
    }

    it("reads one encoding only: whatever it accepts, it would have written", () => {
      fc.assert(
        fc.property(fc.nat({ max: 287 }), fc.nat({ max: 255 }), (at, value) => {
          const header = corrupted(at, value);
          try {
            expect(encodeReceipt(decodeReceipt(header))).to.equal(header);
          } catch (error) {
            expectCode("RECEIPT_MALFORMED", () => {
              throw error;
            });
          }
        }),
        { numRuns: 300 },
      );
    });
  });

  describe("nonce", () => {
    it("is 0x and 64 hexadecimal digits, in either case", () => {
      expect(isNonce(`0x${"aB".repeat(32)}`)).to.equal(true);
      for (const value of [
        undefined,
        null,
        7,
        [`0x${"ab".repeat(32)}`],
        "",
        "ab".repeat(32),
        `0x${"ab".repeat(31)}`,
        `0x${"ab".repeat(33)}`,
        `0x${"ag".repeat(32)}`,
        `0x${"ab".repeat(32)}\n`,
        ` 0x${"ab".repeat(32)}`,
      ]) {
        expect(isNonce(value), JSON.stringify(value)).to.equal(false);
      }
    });
  });

  describe("channel over HTTP", () => {
    const exchange: HttpExchange = {
      method: "GET",
      target: "/a?b=%20",
      requestDigest: EMPTY_DIGEST,
      status: 200,
      responseDigest: sha256(new TextEncoder().encode("hello")),
    };

    it("is the hash of the ABI encoding, by ethers' account", () => {
      const encoded = AbiCoder.defaultAbiCoder().encode(
        ["string", "bytes", "bytes32", "uint16", "bytes32"],
        [
          "GET",
          Buffer.from("/a?b=%20"),
          "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
          200,
          "0x2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        ],
      );
      expect(httpChannel(exchange)).to.equal(keccak256(encoded));
    });

    it("takes the target byte by byte, so that bytes above ASCII count once", () => {
      const encoded = AbiCoder.defaultAbiCoder().encode(
        ["string", "bytes", "bytes32", "uint16", "bytes32"],
        ["GET", "0x2fe9", EMPTY_DIGEST, 200, exchange.responseDigest],
      );
      expect(httpChannel({ ...exchange, target: "/\u00e9" })).to.equal(keccak256(encoded));
    });

    it("differs when anything differs that was asked or served", () => {
      const others = [
        { ...exchange, method: "POST" },
        { ...exchange, target: "/a?b= " },
        { ...exchange, requestDigest: sha256(new Uint8Array([0])) },
        { ...exchange, status: 201 },
        { ...exchange, responseDigest: EMPTY_DIGEST },
        // What moves from one field into the next must not collide.
        { ...exchange, method: "GET/", target: "a?b=%20" },
      ];
      const channels = [exchange, ...others].map(httpChannel);
      expect(new Set(channels).size).to.equal(channels.length);
    });
  });
});
