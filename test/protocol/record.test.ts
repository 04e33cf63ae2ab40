import { expect } from "chai";
import { AbiCoder, TypedDataEncoder } from "ethers";
import fc from "fast-check";
import { size, type Hex } from "viem";
import { bytesToHex, hexToBytes } from "../../src/protocol/bytes.ts";
import {
  MAX_LEASE_MS,
  MAX_RECORD_BYTES,
  readRecord,
  signRecord,
  type EndpointRecord,
} from "../../src/protocol/record.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey, signDigest } from "../../src/protocol/signature.ts";
import { blockcloudDomain, typedData } from "../../src/protocol/typedData.ts";
import { bytes, hash, privateKey } from "../support/arbitraries.ts";
import { expectCode } from "../support/expectCode.ts";

const domain = blockcloudDomain(11_155_111n, "0x5FbDB2315678afecb367f032d93F642f64180aa3");
const key = hexToBytes(`0x${"11".repeat(32)}`);
const types = {
  Endpoint: [...typedData.Endpoint],
  EndpointRecord: [...typedData.EndpointRecord],
};
const RECORD_TYPE =
  "tuple(bytes32 serviceId, uint64 issuedAt, uint64 expiresAt, tuple(string uri, uint16 priority, uint16 weight)[] endpoints, bytes delegation)";

const good: EndpointRecord = {
  serviceId: rootServiceId(7n),
  issuedAt: 1_750_000_000_000n,
  expiresAt: 1_750_000_060_000n,
  endpoints: [{ uri: "https://a.example", priority: 1, weight: 2 }],
  delegation: "0x",
};
const endpoint = fc.record({
  uri: fc
    .tuple(
      fc.constantFrom("http", "https", "tcp", "sal"),
      fc.stringMatching(/^[a-z0-9.:/\u00e9-]{1,60}$/),
    )
    .map(([scheme, rest]) => `${scheme}://${rest}`),
  priority: fc.nat({ max: 65_535 }),
  weight: fc.nat({ max: 65_535 }),
});
const record: fc.Arbitrary<EndpointRecord> = fc
  .record({
    serviceId: hash,
    issuedAt: fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }),
    lease: fc.bigInt({ min: 1n, max: BigInt(MAX_LEASE_MS) }),
    endpoints: fc.array(endpoint, { minLength: 1, maxLength: 4 }),
    delegation: bytes(97).map(bytesToHex),
  })
  .map(({ lease, ...fields }) => ({ ...fields, expiresAt: fields.issuedAt + lease }));

/** What a stranger may send: any values, encoded by ethers, signed over their true digest. */
function forge(value: object): Hex {
  const digest = TypedDataEncoder.hash(domain, types, value);
  return encode(value, bytesToHex(signDigest(hexToBytes(digest as Hex), key)));
}

function encode(value: object, signature: string): Hex {
  return AbiCoder.defaultAbiCoder().encode([RECORD_TYPE, "bytes"], [value, signature]) as Hex;
}

describe("record", () => {
  it("decodes a signed record, and recovers the signer", () => {
    fc.assert(
      fc.property(record, privateKey, (value, secret) => {
        const read = readRecord(signRecord(value, domain, secret), domain);
        expect(read.record).to.deep.equal(value);
        expect(read.signer).to.equal(addressOfKey(secret));
      }),
      { numRuns: 40 },
    );
  });

  it("encodes and signs as ethers does", () => {
    expect(signRecord(good, domain, key)).to.equal(forge(good));
  });

  it("names another signer for another domain", () => {
    const elsewhere = { ...domain, chainId: 1n };
    expect(readRecord(signRecord(good, domain, key), elsewhere).signer).not.to.equal(
      addressOfKey(key),
    );
  });

  it("takes a lease of exactly a day, and the extremes of every number", () => {
    const longest = {
      ...good,
      issuedAt: (1n << 64n) - 1n - BigInt(MAX_LEASE_MS),
      expiresAt: (1n << 64n) - 1n,
      endpoints: [{ uri: "tcp://a:1", priority: 65_535, weight: 0 }],
    };
    expect(readRecord(signRecord(longest, domain, key), domain).record).to.deep.equal(longest);
  });

  const bad: [string, Partial<EndpointRecord>][] = [
    ["a lease longer than a day", { expiresAt: good.issuedAt + BigInt(MAX_LEASE_MS) + 1n }],
    ["a lease of no time", { expiresAt: good.issuedAt }],
    ["a lease that ended before it began", { expiresAt: good.issuedAt - 1n }],
    ["no endpoint", { endpoints: [] }],
    ["17 endpoints", { endpoints: Array(17).fill({ uri: "tcp://a", priority: 0, weight: 0 }) }],
    ["a file URI", { endpoints: [{ uri: "file:///etc/passwd", priority: 0, weight: 0 }] }],
    ["a script URI", { endpoints: [{ uri: "javascript:alert(1)", priority: 0, weight: 0 }] }],
    ["a URI without a host", { endpoints: [{ uri: "https://", priority: 0, weight: 0 }] }],
    ["a URI with a line feed", { endpoints: [{ uri: "tcp://a\nb", priority: 0, weight: 0 }] }],
    [
      "a URI of 513 characters",
      { endpoints: [{ uri: `tcp://${"a".repeat(507)}`, priority: 0, weight: 0 }] },
    ],
  ];
  for (const [what, fields] of bad) {
    const value = { ...good, ...fields };
    it(`does not sign ${what}`, () => {
      expectCode("RECORD_MALFORMED", () => signRecord(value, domain, key));
    });
    it(`does not read ${what}, though well signed`, () => {
      expectCode("RECORD_MALFORMED", () => readRecord(forge(value), domain));
    });
  }

  it("does not sign a record longer than 2 KiB", () => {
    const uri = `https://${"a".repeat(500)}`;
    const endpoints = Array(5).fill({ uri, priority: 0, weight: 0 });
    expectCode("RECORD_MALFORMED", () => signRecord({ ...good, endpoints }, domain, key));
  });

  it("reads 2 KiB and not a byte more", () => {
    const empty = size(signRecord(good, domain, key));
    const fits = { ...good, delegation: `0x${"00".repeat(MAX_RECORD_BYTES - empty)}` } as const;
    const encoded = forge(fits);
    expect(size(encoded)).to.equal(MAX_RECORD_BYTES);
    expect(readRecord(encoded, domain).record).to.deep.equal(fits);
    expectCode("RECORD_MALFORMED", () => readRecord(`${encoded}00`, domain));
  });

  it("refuses a signature that is none", () => {
    for (const signature of ["0x", `0x${"00".repeat(65)}`, `0x${"11".repeat(64)}`]) {
      expectCode("RECORD_MALFORMED", () => readRecord(encode(good, signature), domain));
    }
  });

  const hostile: [string, Hex][] = [
    ["nothing", "0x"],
    ["a byte", "0x00"],
    ["zeros", `0x${"00".repeat(2048)}`],
    ["ones", `0x${"ff".repeat(2048)}`],
    ["no hex", "0xzz"],
    ["half a byte", "0x0"],
    ["a megabyte", `0x${"00".repeat(1 << 20)}`],
  ];
  for (const [what, encoded] of hostile) {
    it(`refuses ${what}`, () => {
      expectCode("RECORD_MALFORMED", () => readRecord(encoded, domain));
    });
  }

  it("refuses a list of endpoints that points at itself without end", () => {
    // The array's length says 2^32 endpoints instead of one.
    const encoded = forge(good);
    const words: string[] = encoded.slice(2).match(/.{64}/g) ?? [];
    const at = words.indexOf("1".padStart(64, "0"), 3);
    expect(at).to.be.above(0);
    words[at] = (2n ** 32n).toString(16).padStart(64, "0");
    expectCode("RECORD_MALFORMED", () => readRecord(`0x${words.join("")}`, domain));
  });

  it("accepts one encoding only, so that a record cannot be multiplied by re-encoding it", () => {
    const encoded = forge(good);
    expectCode("RECORD_MALFORMED", () => readRecord(`${encoded}${"00".repeat(32)}`, domain));
    const dirty = `${encoded.slice(0, -2)}01` as Hex;
    expectCode("RECORD_MALFORMED", () => readRecord(dirty, domain));
  });

  it("survives any single changed byte: a typed error, or other content", () => {
    const encoded = signRecord(good, domain, key);
    fc.assert(
      fc.property(fc.nat({ max: size(encoded) - 1 }), fc.integer({ min: 1, max: 255 }), (at, x) => {
        const copy = hexToBytes(encoded);
        copy[at] = (copy[at] ?? 0) ^ x;
        let read: ReturnType<typeof readRecord> | undefined;
        try {
          read = readRecord(bytesToHex(copy), domain);
        } catch (error) {
          expectCode("RECORD_MALFORMED", () => {
            throw error;
          });
        }
        if (read) expect(read.signer).not.to.equal(addressOfKey(key));
      }),
      { numRuns: 300 },
    );
  });
});
