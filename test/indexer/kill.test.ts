import { readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { parseEther } from "viem";
import { cashierAbi } from "../../src/protocol/abi/cashier.ts";
import { differences, IndexRig } from "../support/index/indexRig.ts";
import { IndexedStory } from "../support/index/story.ts";
import { RpcProxy } from "../support/rpcProxy.ts";
import { until } from "../support/until.ts";

/** Receipts after which Ponder is killed while it reads history; each is one of a transaction of the audits. */
const MOMENTS = [1, 15, 40];
const bloc = (amount: number) => parseEther(amount.toString());

describe("an index that is killed", function () {
  this.timeout(300_000);
  let story: IndexedStory;
  let proxy: RpcProxy;
  let rig: IndexRig;
  let whole: Record<string, string[]>;

  before(async () => {
    story = await IndexedStory.start();
    await story.audit(8, () => ({ 1: 3, 2: 2, 3: 0 }));
    await story.pay();
    proxy = new RpcProxy(story.chain.stage.devnet.rpcUrl);
    await proxy.start();
  });
  after(async () => {
    await rig.stop();
    await proxy.stop();
    await story.stop();
  });

  it("goes on where it was, at whatever moment of its history that was", async () => {
    const { deployment } = story.chain;
    let receipts = 0;
    const kills: number[] = [];
    const ranges: unknown[] = [];
    proxy.before = ({ method, params }) => {
      if (method === "eth_getLogs") ranges.push(params);
      if (method !== "eth_getTransactionReceipt") return;
      receipts += 1;
      if (!MOMENTS.includes(receipts)) return;
      kills.push(receipts);
      rig.killPonder();
    };
    rig = await IndexRig.start({ deployment, rpcUrl: proxy.url });
    await rig.caughtUp();
    proxy.before = () => undefined;
    expect(kills).to.deep.equal(MOMENTS);
    // The endpoint is asked for all events at once, not for each of fifty.
    expect(JSON.stringify(ranges)).to.not.include("topics");
    whole = await rig.dump();

    // One that was never disturbed has the same rows.
    const calm = await IndexRig.start({ deployment, rpcUrl: story.chain.stage.devnet.rpcUrl });
    await calm.caughtUp();
    expect(differences(whole, await calm.dump())).to.deep.equal([]);
    await calm.stop();
  });

  it("counts nothing twice when it is killed while it follows the head", async () => {
    const { contracts } = story.chain.deployment;
    for (let round = 0; round < 2; round++) {
      await story.approve(story.payer.key, "cashier", 1);
      const call = { address: contracts.cashier, abi: cashierAbi, functionName: "deposit" };
      await story.send(story.payer.key, "cashier", call.functionName, [bloc(1)]);
      const { pid } = rig.parts.indexer;
      rig.killPonder();
      await until("Ponder runs again", () => rig.parts.indexer.pid !== pid);
      await rig.caughtUp();
    }
    const { account, rounds } = await rig.query<{
      account: { deposited: string };
      rounds: { totalCount: number };
    }>("query ($payer: String!) { account(payer: $payer) { deposited } rounds { totalCount } }", {
      payer: story.payer.address.toLowerCase(),
    });
    expect(rounds.totalCount).to.equal(whole.round!.length);
    expect(whole.round).to.have.length(24);
    expect(account.deposited).to.equal(bloc(1_002).toString());
  });

  it("is built again after it was deleted, or is no database any more", async () => {
    const before = await rig.dump();
    await rig.end();
    const [name] = readdirSync(rig.folder);
    const folder = path.join(rig.folder, name!);
    rmSync(folder, { recursive: true });
    await rig.begin();
    await rig.caughtUp();
    expect(differences(before, await rig.dump())).to.deep.equal([]);

    await rig.end();
    for (const file of ["PG_VERSION", "global/pg_control"]) {
      writeFileSync(path.join(folder, "pglite-0", file), "no database");
    }
    await rig.begin();
    await rig.caughtUp();
    expect(differences(before, await rig.dump())).to.deep.equal([]);
    expect(readdirSync(folder)).to.include.members(["pglite-0", "pglite-1"]);
  });
});
