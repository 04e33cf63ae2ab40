import { expect } from "chai";
import { refuseForeignRounds } from "../../src/auditor/foreignRounds.ts";
import { AuditorStore } from "../../src/auditor/store.ts";
import type { ChainClient } from "../../src/chain/client.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";
import { rejection } from "../support/rejection.ts";

const AUDITOR = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const HASH = `0x${"11".repeat(32)}` as const;

describe("refuseForeignRounds", () => {
  let store: AuditorStore;

  beforeEach(() => {
    store = new AuditorStore(":memory:");
  });
  afterEach(() => {
    store.close();
  });

  /** Starts in an epoch, on a chain that holds commitments for others. */
  function start(epoch: number, committed: readonly number[]): Promise<void> {
    const readContract = ({ args }: { args: readonly [string, number] }) =>
      Promise.resolve([committed.includes(args[1]), 0, 0n]);
    const client = { readContract } as unknown as ChainClient;
    return refuseForeignRounds({ client, deployment: DEPLOYMENT, store }, AUDITOR, epoch);
  }
  const made = (epoch: number) => {
    store.save({ epoch, secret: HASH, y: HASH, votes: 0, chunks: [], evidence: [] });
  };

  it("lets an auditor start that made its rounds itself, or none", async () => {
    await start(0, []);
    await start(7, []);
    made(7);
    made(6);
    await start(7, [6, 7]);
    await start(8, [7]);
  });

  it("refuses to start beside another worker, until nothing of it can be revealed", async () => {
    for (const committed of [[7], [6], [6, 7]]) {
      const error = await rejection("AUDITOR_ELSEWHERE", start(7, committed));
      expect(error.retryable).to.equal(false);
    }
    made(7);
    const error = await rejection("AUDITOR_ELSEWHERE", start(7, [6, 7]));
    expect(error.remedy).to.contain("start again from epoch 8 on");
    await start(8, [6, 7]);
  });
});
