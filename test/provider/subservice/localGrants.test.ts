import { expect } from "chai";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { hexToBytes } from "../../../src/protocol/bytes.ts";
import { addressOfKey } from "../../../src/protocol/signature.ts";
import { parseServiceId } from "../../../src/protocol/serviceId.ts";
import { blockcloudDomain } from "../../../src/protocol/typedData.ts";
import { ProviderStore, providerStoreFile } from "../../../src/provider/store.ts";
import type { Grant } from "../../../src/provider/subservice/grants.ts";
import {
  grantLocalDevice,
  subServiceStoreFile,
} from "../../../src/provider/subservice/localDevice.ts";
import { allGrants, revokeAnywhere } from "../../../src/provider/subservice/localGrants.ts";
import { grantSubService, type Granter } from "../../../src/provider/subservice/subservices.ts";
import { expectCode } from "../../support/expectCode.ts";
import { DEPLOYMENT } from "../../support/fakeChain.ts";

const DAY = 86_400_000;
const KEY = hexToBytes(`0x${"4b".repeat(32)}`);
const REMOTE = addressOfKey(`0x${"55".repeat(32)}`);
const domain = blockcloudDomain(BigInt(DEPLOYMENT.chainId), DEPLOYMENT.contracts.registry);

describe("the sub-services of this host, which expose --under has added", () => {
  let stateDir: string;
  let store: ProviderStore;
  let granter: Granter;
  let now: number;

  beforeEach(() => {
    stateDir = mkdtempSync(path.join(tmpdir(), "grants-"));
    now = 1_750_000_000_000;
    store = new ProviderStore(providerStoreFile(stateDir, DEPLOYMENT, 7n));
    granter = { number: 7n, key: KEY, domain, grants: store.grants, now: () => now };
  });
  afterEach(() => {
    store.close();
    rmSync(stateDir, { recursive: true });
  });

  const place = () => ({ stateDir, deployment: DEPLOYMENT });
  const expose = (port: number, { number = 7n, label }: { number?: bigint; label?: string } = {}) =>
    grantLocalDevice(
      { number, key: KEY, domain },
      { use: `port ${port}`, label, forMs: DAY },
      { ...place(), now: () => (now += 1) },
    ).grant;
  const listed = () => allGrants(store.grants, 7n, place());
  const revoke = (name: string) => revokeAnywhere(granter, name, place());

  /** What is published for a sub-service, by the agent of its service and by its own. */
  function notices({ serviceId }: Grant) {
    const { self } = parseServiceId(serviceId);
    const own = new ProviderStore(subServiceStoreFile(stateDir, DEPLOYMENT, self));
    try {
      const due = [store, own].map(({ grants }) => grants.due(now, 3_600_000, 100));
      return due.map((each) => each.filter(({ kind }) => kind === "revocation").length);
    } finally {
      own.close();
    }
  }

  it("are listed with those that were added for other devices, and without those of other services", () => {
    const [web, shell] = [expose(3000), expose(22, { label: "roof" })];
    expose(80, { number: 8n });
    now += 1;
    const device = grantSubService(granter, {
      ...{ self: REMOTE, group: 0, label: "cellar", forMs: DAY },
    });
    expect(listed()).to.deep.equal([device, shell, web]);
  });

  for (const by of ["ID", "label"] as const) {
    it(`are revoked by ${by}: both agents publish it`, () => {
      const grant = expose(22, { label: "roof" });
      now += 1;
      const revoked = revoke(by === "ID" ? grant.serviceId : "Roof");
      expect(revoked).to.deep.include({ serviceId: grant.serviceId, revokedAt: now });
      expect(notices(grant)).to.deep.equal([1, 1]);
      expect(listed()).to.deep.equal([revoked]);
      now += 1;
      expect(revoke(grant.serviceId), "once").to.deep.equal(revoked);
    });
  }

  it("are added again by another expose, and revoked again", () => {
    const first = expose(22);
    revoke(first.serviceId);
    now += DAY;
    const second = expose(22);
    expect(listed()).to.deep.equal([second]);
    expect(second.revokedAt).to.equal(undefined);
    now += 1;
    expect(revoke(second.serviceId).revokedAt).to.equal(now);
  });

  it("leave another device with the same label alone", () => {
    const local = expose(22, { label: "roof" });
    const device = grantSubService(granter, {
      ...{ self: REMOTE, group: 0, label: "roof", forMs: DAY },
    });
    revoke(local.serviceId);
    expect(store.grants.find("roof")).to.deep.equal(device);
    expect(revoke("roof").serviceId).to.equal(device.serviceId);
  });

  it("are unknown where none was added", () => {
    expectCode("SUBSERVICE_UNKNOWN", () => revoke("roof"));
  });
});
