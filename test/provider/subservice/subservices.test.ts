import { expect } from "chai";
import type { Hex } from "viem";
import { hexToBytes, ZERO_HASH } from "../../../src/protocol/bytes.ts";
import { checkRecord } from "../../../src/protocol/checkRecord.ts";
import { MAX_GRANT_MS, revocations } from "../../../src/protocol/delegation.ts";
import { nameKey, nameRecords } from "../../../src/protocol/nameRecord.ts";
import { signRecord } from "../../../src/protocol/record.ts";
import { rootServiceId, serviceId } from "../../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../../src/protocol/signature.ts";
import { blockcloudDomain } from "../../../src/protocol/typedData.ts";
import type { Grant, Notice } from "../../../src/provider/subservice/grants.ts";
import { ProviderStore } from "../../../src/provider/store.ts";
import {
  grantSubService,
  revokeSubService,
  type Granter,
} from "../../../src/provider/subservice/subservices.ts";
import { DEPLOYMENT } from "../../support/fakeChain.ts";
import { expectCode } from "../../support/expectCode.ts";

const ROOT_KEY: Hex = `0x${"4b".repeat(32)}`;
const DEVICE: Hex = `0x${"55".repeat(32)}`;
const self = addressOfKey(DEVICE);
const OTHER: Hex = `0x${"66".repeat(32)}`;
const domain = blockcloudDomain(BigInt(DEPLOYMENT.chainId), DEPLOYMENT.contracts.registry);
const root = rootServiceId(7n);
const id = serviceId({ prefix: 7n, group: 0, self });
const DAY = 86_400_000;

describe("sub-services", () => {
  let store: ProviderStore;
  let granter: Granter;
  let now: number;

  beforeEach(() => {
    now = 1_750_000_000_000;
    store = new ProviderStore(":memory:");
    const { grants } = store;
    granter = { number: 7n, key: hexToBytes(ROOT_KEY), domain, grants, now: () => now };
  });
  afterEach(() => {
    store.close();
  });

  const request = (label?: string) => ({ self, group: 0, label, forMs: DAY });
  const due = (): Notice[] => store.grants.due(now, 3_600_000, 100);
  const names = () =>
    due()
      .filter(({ kind }) => kind === "name")
      .map(({ encoded }) => nameRecords.read(encoded, domain).message);

  /** What a device publishes with what it was granted. */
  function deviceRecord(grant: Grant): Hex {
    const record = {
      serviceId: grant.serviceId,
      issuedAt: BigInt(now),
      expiresAt: BigInt(now + 60_000),
      endpoints: [{ uri: "https://roof.example", priority: 0, weight: 1 }],
      delegation: grant.delegation,
    };
    return signRecord(record, domain, hexToBytes(DEVICE));
  }
  const context = (revokedUpTo?: bigint) => ({
    domain,
    now,
    rootKey: addressOfKey(ROOT_KEY),
    revokedUpTo,
  });

  it("delegates to a device's key, whose records then hold", () => {
    const grant = grantSubService(granter, request());
    expect(grant).to.deep.include({ serviceId: id, issuedAt: now, expiresAt: now + DAY });
    expect(checkRecord(deviceRecord(grant), context()).signer).to.equal(self);
    expect(store.grants.list()).to.deep.equal([grant]);
    expect(due(), "no name, nothing to publish").to.deep.equal([]);
  });

  it("names it, and has the name published", () => {
    grantSubService(granter, request("roof"));
    expect(names()).to.deep.equal([
      { root, label: "roof", serviceId: id, issuedAt: BigInt(now), expiresAt: BigInt(now + DAY) },
    ]);
    const [notice] = due();
    expect(notice!.key).to.equal(nameKey(root, "roof"));
    store.grants.published(notice!, now);
    expect(due()).to.deep.equal([]);
  });

  it("takes back delegation and name, in versions above those", () => {
    const grant = grantSubService(granter, request("roof"));
    now += 1_000;
    const revoked = revokeSubService(granter, "roof");
    expect(revoked.revokedAt).to.equal(now);
    const revocation = due().find(({ kind }) => kind === "revocation");
    const { message, signer } = revocations.read(revocation!.encoded, domain);
    expect(signer).to.equal(addressOfKey(ROOT_KEY));
    expect(message.serviceId).to.equal(id);
    expectCode("DELEGATION_REVOKED", () =>
      checkRecord(deviceRecord(grant), context(message.issuedAt)),
    );
    expect(Number(message.expiresAt), "as long as any delegation could run").to.equal(
      now + MAX_GRANT_MS,
    );
    const [name] = names();
    expect(name).to.include({ serviceId: ZERO_HASH });
    expect(Number(name!.issuedAt)).to.be.above(grant.issuedAt);
    expect(revokeSubService(granter, id), "twice is once").to.deep.equal(revoked);
  });

  it("takes back every delegation, also one that would outlive the last", () => {
    const long = grantSubService(granter, { ...request(), forMs: MAX_GRANT_MS });
    now += DAY;
    grantSubService(granter, request());
    revokeSubService(granter, id);
    now += 2 * DAY;
    const [{ encoded } = expect.fail("it is published no more")] = due();
    const { issuedAt } = revocations.read(encoded, domain).message;
    expectCode("DELEGATION_REVOKED", () => checkRecord(deviceRecord(long), context(issuedAt)));
  });

  it("takes back within the millisecond in which it granted", () => {
    const grant = grantSubService(granter, request());
    revokeSubService(granter, id);
    const [{ encoded } = expect.fail()] = due();
    const { issuedAt } = revocations.read(encoded, domain).message;
    expectCode("DELEGATION_REVOKED", () => checkRecord(deviceRecord(grant), context(issuedAt)));
  });

  it("grants a revoked delegation again, with a version above the revocation", () => {
    grantSubService(granter, request("roof"));
    const { revokedAt } = revokeSubService(granter, "roof");
    const taken = names()[0]?.issuedAt;
    const again = grantSubService(granter, request("roof"));
    expect(Number(names()[0]?.issuedAt), "no tie of versions").to.be.above(Number(taken));
    expect(again.issuedAt).to.be.above(revokedAt!);
    expect(checkRecord(deviceRecord(again), context(BigInt(revokedAt!))).signer).to.equal(self);
    expect(names().at(-1)?.serviceId).to.equal(id);
  });

  it("renames: the old name means nothing any more", () => {
    grantSubService(granter, request("roof"));
    now += 1;
    grantSubService(granter, request("attic"));
    const means = Object.fromEntries(names().map(({ label, serviceId }) => [label, serviceId]));
    expect(means).to.deep.equal({ roof: ZERO_HASH, attic: id });
  });

  it("gives no name to two", () => {
    grantSubService(granter, request("roof"));
    const other = { ...request("roof"), self: addressOfKey(OTHER) };
    expectCode("SUBSERVICE_LABEL", () => grantSubService(granter, other));
    revokeSubService(granter, "roof");
    expect(grantSubService(granter, other).label, "free again").to.equal("roof");
  });

  const bad: [string, string, object][] = [
    ["SUBSERVICE_LABEL", "a label that is none", { label: "id" }],
    ["SUBSERVICE_TIME", "no time at all", { forMs: 0 }],
    ["SUBSERVICE_TIME", "more than 366 days", { forMs: MAX_GRANT_MS + 1 }],
    ["SERVICE_ID_INVALID", "a group of 33 bits", { group: 2 ** 32 }],
    ["SUBSERVICE_SELF", "the zero address", { self: `0x${"0".repeat(40)}` }],
  ];
  for (const [code, what, over] of bad) {
    it(`refuses ${what}, and writes nothing`, () => {
      expectCode(code, () => grantSubService(granter, { ...request("roof"), ...over }));
      expect(store.grants.list()).to.deep.equal([]);
    });
  }

  it("refuses to revoke a delegation that was never granted", () => {
    expectCode("SUBSERVICE_UNKNOWN", () => revokeSubService(granter, "roof"));
  });

  it("deletes expired notices", () => {
    grantSubService(granter, request("roof"));
    now += DAY;
    expect(due()).to.deep.equal([]);
  });
});
