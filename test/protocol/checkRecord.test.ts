import { expect } from "chai";
import type { Hex } from "viem";
import { bytesToHex, hexToBytes } from "../../src/protocol/bytes.ts";
import { checkRecord, type RecordContext } from "../../src/protocol/checkRecord.ts";
import {
  MAX_GRANT_MS,
  readDelegation,
  revocations,
  signDelegation,
} from "../../src/protocol/delegation.ts";
import { nameKey, nameRecords, type NameRecord } from "../../src/protocol/nameRecord.ts";
import { MAX_AHEAD_MS, signRecord, type EndpointRecord } from "../../src/protocol/record.ts";
import { rootServiceId, serviceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { expectCode } from "../support/expectCode.ts";
import vectors from "../vectors/records.json" with { type: "json" };

const domain = blockcloudDomain(11_155_111n, "0x5FbDB2315678afecb367f032d93F642f64180aa3");
const rootKey = hexToBytes(`0x${"11".repeat(32)}`);
const subKey = hexToBytes(`0x${"22".repeat(32)}`);
const stranger = hexToBytes(`0x${"33".repeat(32)}`);
const NOW = 1_750_000_000_000;
const root = rootServiceId(7n);
const sub = serviceId({ prefix: 7n, group: 1, self: addressOfKey(subKey) });
const context: RecordContext = { domain, now: NOW, rootKey: addressOfKey(rootKey) };
const HOUR = 3_600_000n;

function record(over: Partial<EndpointRecord> = {}): EndpointRecord {
  return {
    serviceId: root,
    issuedAt: BigInt(NOW),
    expiresAt: BigInt(NOW) + 60_000n,
    endpoints: [{ uri: "https://a.example", priority: 0, weight: 1 }],
    delegation: "0x",
    ...over,
  };
}

function delegation(over: { id?: Hex; from?: bigint; to?: bigint; key?: Uint8Array } = {}): Hex {
  const { id = sub, from = BigInt(NOW) - HOUR, to = BigInt(NOW) + HOUR, key = rootKey } = over;
  return signDelegation({ serviceId: id, issuedAt: from, expiresAt: to }, domain, key);
}

function subRecord(grant: Hex = delegation()): Hex {
  return signRecord(record({ serviceId: sub, delegation: grant }), domain, subKey);
}

describe("checkRecord", () => {
  it("takes what the service's key signed", () => {
    const encoded = signRecord(record(), domain, rootKey);
    const checked = checkRecord(encoded, context);
    expect(checked).to.deep.include({ encoded, record: record(), delegation: undefined });
    expect(checked.signer).to.equal(addressOfKey(rootKey));
  });

  it("takes what a sub-service's own key signed, under the root's delegation", () => {
    const checked = checkRecord(subRecord(), context);
    expect(checked.signer).to.equal(addressOfKey(subKey));
    expect(checked.delegation).to.deep.equal({
      serviceId: sub,
      issuedAt: BigInt(NOW) - HOUR,
      expiresAt: BigInt(NOW) + HOUR,
    });
  });

  it("checks the vectors", () => {
    const there = blockcloudDomain(BigInt(vectors.chainId), vectors.registry as Hex);
    const now = Number(vectors.issuedAt[0]);
    const checked = checkRecord(vectors.record as Hex, {
      domain: there,
      now,
      rootKey: vectors.rootKeyAddress as Hex,
    });
    expect(checked.digest).to.equal(vectors.recordDigest);
    expect(checked.record.serviceId).to.equal(vectors.subServiceId);
  });

  const refused: [string, string, () => Hex, Partial<RecordContext>?][] = [
    ["RECORD_MALFORMED", "what is no record", () => "0x1234"],
    [
      "RECORD_EXPIRED",
      "a lease that ends now",
      () => signRecord(record(), domain, rootKey),
      { now: NOW + 60_000 },
    ],
    [
      "RECORD_AHEAD",
      "a record of more than a minute ahead",
      () => signRecord(record(), domain, rootKey),
      { now: NOW - MAX_AHEAD_MS - 1 },
    ],
    ["RECORD_SIGNER", "another key's record", () => signRecord(record(), domain, stranger)],
    [
      "RECORD_SIGNER",
      "the record of a key that was replaced",
      () => signRecord(record(), domain, rootKey),
      { rootKey: addressOfKey(stranger) },
    ],
    [
      "RECORD_SIGNER",
      "the root's key signing in the place of the sub-service's",
      () => signRecord(record({ serviceId: sub, delegation: delegation() }), domain, rootKey),
    ],
    [
      "RECORD_MALFORMED",
      "a root's record with a delegation",
      () => signRecord(record({ delegation: delegation() }), domain, rootKey),
    ],
    [
      "RECORD_MALFORMED",
      "a record of no service",
      () => signRecord(record({ serviceId: `0x${"00".repeat(32)}` }), domain, rootKey),
    ],
    ["DELEGATION_MALFORMED", "a sub-service without a delegation", () => subRecord("0x")],
    [
      "DELEGATION_SIGNER",
      "a stranger's delegation",
      () => subRecord(delegation({ key: stranger })),
    ],
    [
      "DELEGATION_SIGNER",
      "a sub-service that delegates to itself",
      () => subRecord(delegation({ key: subKey })),
    ],
    [
      "DELEGATION_SIGNER",
      "the delegation of another sub-service",
      () =>
        subRecord(
          delegation({ id: serviceId({ prefix: 7n, group: 2, self: addressOfKey(subKey) }) }),
        ),
    ],
    [
      "DELEGATION_EXPIRED",
      "a delegation that ran out",
      () => subRecord(delegation({ to: BigInt(NOW) })),
    ],
    [
      "DELEGATION_AHEAD",
      "a delegation of the future",
      () => subRecord(delegation({ from: BigInt(NOW + MAX_AHEAD_MS + 1) })),
    ],
    [
      "DELEGATION_REVOKED",
      "a delegation that was taken back",
      () => subRecord(),
      { revokedUpTo: BigInt(NOW) - HOUR },
    ],
  ];
  for (const [code, what, make, over] of refused) {
    it(`refuses ${what}: ${code}`, () => {
      expectCode(code, () => checkRecord(make(), { ...context, ...over }));
    });
  }

  it("takes a delegation that was made after the one that was taken back", () => {
    const revokedUpTo = BigInt(NOW) - HOUR - 1n;
    expect(checkRecord(subRecord(), { ...context, revokedUpTo }).record.serviceId).to.equal(sub);
  });

  it("looks at times before signatures, which cost a hundred times as much", () => {
    const forged = signRecord(record({ expiresAt: BigInt(NOW) + 1n }), domain, stranger);
    expectCode("RECORD_EXPIRED", () => checkRecord(forged, { ...context, now: NOW + 1 }));
  });
});

describe("delegations and revocations", () => {
  it("hold for at most 366 days, and for some time at least", () => {
    const from = BigInt(NOW);
    const last = from + BigInt(MAX_GRANT_MS);
    expect(() => delegation({ from, to: last })).not.to.throw();
    for (const to of [from, from - 1n, last + 1n]) {
      expectCode("DELEGATION_MALFORMED", () => delegation({ from, to }));
      expectCode("REVOCATION_MALFORMED", () =>
        revocations.sign({ serviceId: sub, issuedAt: from, expiresAt: to }, domain, rootKey),
      );
    }
  });

  it("have one encoding: another length or invalid times are refused", () => {
    const good = delegation();
    for (const bad of [`${good}00`, good.slice(0, -2), "0x", "0xzz"] as Hex[]) {
      expectCode("DELEGATION_MALFORMED", () => readDelegation(sub, bad, domain));
    }
    const backwards = `0x${good.slice(18, 34)}${good.slice(2, 18)}${good.slice(34)}` as Hex;
    expectCode("DELEGATION_MALFORMED", () => readDelegation(sub, backwards, domain));
  });

  it("name their signer", () => {
    expect(readDelegation(sub, delegation(), domain).signer).to.equal(addressOfKey(rootKey));
    const message = { serviceId: sub, issuedAt: BigInt(NOW), expiresAt: BigInt(NOW) + HOUR };
    const read = revocations.read(revocations.sign(message, domain, rootKey), domain);
    expect(read.message).to.deep.equal(message);
    expect(read.signer).to.equal(addressOfKey(rootKey));
  });

  it("are no records of each other: the type is signed too", () => {
    const grant = hexToBytes(delegation());
    const message = { serviceId: sub, issuedAt: BigInt(NOW) - HOUR, expiresAt: BigInt(NOW) + HOUR };
    const { signature } = revocations.decode(revocations.sign(message, domain, rootKey));
    const swapped = bytesToHex(grant).slice(0, 34) + signature.slice(2);
    expect(readDelegation(sub, swapped as Hex, domain).signer).not.to.equal(addressOfKey(rootKey));
  });
});

describe("name records", () => {
  const good: NameRecord = {
    root,
    label: "roof",
    serviceId: sub,
    issuedAt: BigInt(NOW),
    expiresAt: BigInt(NOW) + HOUR,
  };

  it("read back, signed by the root's key", () => {
    const read = nameRecords.read(nameRecords.sign(good, domain, rootKey), domain);
    expect(read.message).to.deep.equal(good);
    expect(read.signer).to.equal(addressOfKey(rootKey));
  });

  it("may take a name back, with the zero ID", () => {
    const gone: NameRecord = { ...good, serviceId: `0x${"00".repeat(32)}` };
    expect(nameRecords.read(nameRecords.sign(gone, domain, rootKey), domain).message).to.deep.equal(
      gone,
    );
  });

  const bad: [string, Partial<NameRecord>][] = [
    ["no label", { label: "Roof" }],
    ["a reserved label", { label: "id" }],
    [
      "another root's sub-service",
      { serviceId: serviceId({ prefix: 8n, group: 0, self: addressOfKey(subKey) }) },
    ],
    ["a root that is none", { root: sub }],
    ["the default route as its root", { root: `0x${"00".repeat(32)}` }],
    ["an ID that is none", { serviceId: `0x${"0".repeat(15)}7${"0".repeat(7)}1${"0".repeat(40)}` }],
    ["times that end before they begin", { expiresAt: good.issuedAt }],
    ["more than 366 days", { expiresAt: good.issuedAt + BigInt(MAX_GRANT_MS) + 1n }],
  ];
  for (const [what, over] of bad) {
    it(`are refused with ${what}`, () => {
      expectCode("NAME_RECORD_MALFORMED", () =>
        nameRecords.sign({ ...good, ...over }, domain, rootKey),
      );
    });
  }

  it("are kept under a key of root and label", () => {
    expect(nameKey(root, "roof")).not.to.equal(nameKey(root, "room"));
    expect(nameKey(root, "roof")).not.to.equal(nameKey(rootServiceId(8n), "roof"));
  });
});
