import { expect } from "chai";
import type { IndexClient, IndexProgress } from "../../console/src/index/client.ts";
import { caughtUp, isFar, lagOf } from "../../console/src/index/lag.ts";
import { PageError } from "../../console/src/failure.ts";

const head = { number: 1_000n, timestamp: 50_000 };
const { signal } = new AbortController();

/** Asks whether an index that has read so far is used. */
const use = (progress: IndexProgress | undefined) => {
  const index = { progress: () => Promise.resolve(progress) } as unknown as IndexClient;
  return caughtUp(index, head, signal).then((used) => used === index);
};

describe("an index beside the chain", () => {
  it("is used when it is a few blocks behind, however long a block takes, or a few seconds", async () => {
    for (const progress of [
      { block: 1_000n, timestamp: 50_000 },
      // The page may know of a block later than the index.
      { block: 1_004n, timestamp: 50_008 },
      { block: 997n, timestamp: 40_000 },
      { block: 940n, timestamp: 49_985 },
    ]) {
      expect(await use(progress), `block ${progress.block}`).to.equal(true);
    }
  });

  it("is no cause for a warning while it is used", () => {
    const far = (block: bigint, timestamp: number) => isFar(lagOf({ block, timestamp }, head));
    expect(far(996n, 49_996)).to.equal(false);
    expect(far(985n, 49_985)).to.equal(false);
    expect(far(984n, 49_984)).to.equal(true);
  });

  it("is not used when it is far behind, or has read nothing", async () => {
    for (const progress of [{ block: 996n, timestamp: 49_984 }, undefined]) {
      const refused: unknown = await use(progress).catch((error: unknown) => error);
      expect(refused).to.be.instanceOf(PageError).with.property("code", "INDEX_BEHIND");
    }
  });
});
