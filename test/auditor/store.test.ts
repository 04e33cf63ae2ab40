import { expect } from "chai";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { AuditorStore, auditorStoreFile } from "../../src/auditor/store.ts";
import { evidenceOf, roundOf } from "../support/auditorRig.ts";
import { expectCode } from "../support/expectCode.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";

describe("AuditorStore", () => {
  let store: AuditorStore;

  beforeEach(() => {
    store = new AuditorStore(":memory:");
  });
  afterEach(() => {
    store.close();
  });

  it("returns stored rounds unchanged, to the last bit", () => {
    const round = roundOf(7, 2, 3);
    round.evidence.push({ ...evidenceOf(2n ** 64n - 1n), slot: 2 ** 36, issuedAt: 2n ** 64n - 1n });
    round.chunks[0]!.words = [2n ** 256n - 1n, 0n];
    store.save(round);
    expect(store.round(7)).to.deep.equal(round);
    expect(store.round(8)).to.equal(undefined);
  });

  it("takes an empty round", () => {
    const round = { ...roundOf(7, 0), chunks: [{ index: 0, base: 0, words: [] }] };
    store.save(round);
    expect(store.round(7)).to.deep.equal(round);
  });

  it("never replaces a committed round", () => {
    const round = roundOf(7);
    store.save(round);
    expect(() => {
      store.save(roundOf(7, 2));
    }).to.throw(/UNIQUE/);
    expect(store.round(7)).to.deep.equal(round);
  });

  it("saves all of a round or nothing", () => {
    const round = roundOf(7);
    round.evidence.push(evidenceOf(1n));
    expect(() => {
      store.save(round);
    }).to.throw(/UNIQUE/);
    expect(store.round(7)).to.equal(undefined);
    store.save(roundOf(7));
  });

  it("forgets a round only as long as its commitment was never sent", () => {
    store.save(roundOf(7));
    store.save(roundOf(8));
    store.markSent(8);
    expect([store.isSent(7), store.isSent(8), store.isSent(9)]).to.deep.equal([false, true, false]);
    store.discard(7);
    store.discard(8);
    expect(store.round(7)).to.equal(undefined);
    expect(store.round(8)).to.deep.equal(roundOf(8));
  });

  it("lists unclaimed rounds, oldest first, within bounds", () => {
    for (const epoch of [9, 7, 12, 8, 10]) store.save(roundOf(epoch));
    expect(store.unclaimed(7, 10)).to.deep.equal([7, 8, 9, 10]);
    store.markClaimed(8);
    expect(store.unclaimed(7, 10)).to.deep.equal([7, 9, 10]);
    expect(store.unclaimed(8, 9)).to.deep.equal([9]);
    expect(store.unclaimed(20, 30)).to.deep.equal([]);
    expect(store.round(8), "claimed is not forgotten").not.to.equal(undefined);
  });

  it("drops old rounds with their evidence", () => {
    for (const epoch of [7, 8]) store.save(roundOf(epoch));
    store.prune(8);
    expect(store.round(7)).to.equal(undefined);
    expect(store.round(8)?.evidence).to.have.length(1);
    store.save({ ...roundOf(7), evidence: [] });
    expect(store.round(7)?.evidence, "nothing of the old one is left").to.deep.equal([]);
  });

  it("has the same state after a crash", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "auditor-"));
    const file = path.join(folder, "auditor.sqlite");
    const crashed = new AuditorStore(file);
    crashed.save(roundOf(7));
    crashed.save(roundOf(8));
    crashed.markClaimed(7);
    // It is not closed: another process opens what the disk holds.
    const restarted = new AuditorStore(file);
    expect(restarted.round(8)).to.deep.equal(roundOf(8));
    expect(restarted.unclaimed(0, 100)).to.deep.equal([8]);
    restarted.close();
    crashed.close();
    rmSync(folder, { recursive: true });
  });
});

describe("auditorStoreFile", () => {
  const auditor = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
  let folder: string;
  const fileOf = (deployment = DEPLOYMENT) => auditorStoreFile(folder, auditor, deployment);

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "store-file-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("differs by chain, contract and genesis", () => {
    const { contracts, chainId, genesis } = DEPLOYMENT;
    const others = [
      { ...DEPLOYMENT, chainId: chainId + 1 },
      { ...DEPLOYMENT, genesis: genesis + 1 },
      { ...DEPLOYMENT, contracts: { ...contracts, proofOfService: contracts.token } },
    ];
    const files = [DEPLOYMENT, ...others].map(fileOf);
    expect(new Set(files).size).to.equal(4);
  });

  it("is refused beside rounds that do not say which deployment they are of", () => {
    const unkeyed = path.join(folder, `auditor-${auditor}.sqlite`);
    writeFileSync(unkeyed, "");
    const { remedy } = expectCode("STATE_UNKEYED", () => fileOf());
    rmSync(unkeyed);
    expect(remedy).to.contain(path.basename(fileOf()));
    writeFileSync(fileOf(), "");
    writeFileSync(unkeyed, "");
    expect(fileOf()).to.contain(folder);
  });
});
