import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { erc20Abi, parseEther } from "viem";
import { cashierAbi } from "../../src/protocol/abi/cashier.ts";
import { differences, IndexRig } from "../support/index/indexRig.ts";
import { recountIndex } from "../support/index/recountIndex.ts";
import { PayingStage } from "../support/payingStage.ts";
import { until } from "../support/until.ts";

/** Blocks that Ponder takes for final. */
const FINAL = 30;
const bloc = (amount: number) => parseEther(amount.toString());

describe("an index of a chain that is reorganised", function () {
  this.timeout(300_000);
  let stage: PayingStage;
  let rig: IndexRig;
  let payer: { key: `0x${string}`; address: `0x${string}` };

  const request = (method: string, params: readonly unknown[] = []) =>
    (stage.client.request as (call: object) => Promise<unknown>)({ method, params });
  const deposit = async (amount: number) => {
    // Each has its own, because a reorganisation takes back what the one before sent.
    const { contracts } = stage.deployment;
    await stage.sender(payer.key).send({
      ...{ address: contracts.cashier, abi: cashierAbi },
      ...{ functionName: "deposit", args: [bloc(amount)] },
    });
  };
  /** Replaces the last blocks by empty ones, and adds one, so that the head's number tells that all were read. */
  const reorganise = async (depth: number) => {
    await request("anvil_reorg", [depth, []]);
    await request("evm_mine");
  };
  /** What the index says of the payer, which the contract says, too. */
  const agreed = async () => {
    await rig.caughtUp();
    const { account } = await rig.query<{ account: Record<string, string> }>(
      "query ($payer: String!) { account(payer: $payer) { free deposited } }",
      { payer: payer.address.toLowerCase() },
    );
    const { account: accounts } = await recountIndex(stage.client, stage.deployment);
    const { free, deposited } = accounts!.find((row) => row.payer === payer.address.toLowerCase())!;
    expect(account).to.deep.equal({ free, deposited });
    return BigInt(account.free!) / bloc(1);
  };
  /** An index that never saw the blocks that are gone has the same rows in every table. */
  const equalsFresh = async () => {
    const fresh = await IndexRig.start({ deployment: stage.deployment, rpcUrl: stage.rpcUrl });
    try {
      await fresh.caughtUp();
      expect(differences(await rig.dump(), await fresh.dump())).to.deep.equal([]);
    } finally {
      await fresh.stop();
    }
  };

  before(async () => {
    stage = await PayingStage.start("Anvil", 2);
    payer = stage.collector(1);
    await stage.fund(payer.address, bloc(10_000));
    await stage.sender(payer.key).send({
      ...{ address: stage.deployment.contracts.token, abi: erc20Abi },
      ...{ functionName: "approve", args: [stage.deployment.contracts.cashier, bloc(10_000)] },
    });
    rig = await IndexRig.start({ deployment: stage.deployment, rpcUrl: stage.rpcUrl });
  });
  after(async () => {
    await rig.stop();
    await stage.stop();
  });

  it("takes back what a reorganisation takes back, while it follows the head", async () => {
    await deposit(100);
    await deposit(20);
    await deposit(3);
    expect(await agreed()).to.equal(123n);
    await reorganise(2);
    expect(await agreed()).to.equal(100n);
    await deposit(7);
    expect(await agreed()).to.equal(107n);
    await equalsFresh();
  });

  it("takes it back also if it was killed meanwhile", async () => {
    await deposit(40);
    await deposit(5);
    expect(await agreed()).to.equal(152n);
    const killed = rig.parts.indexer.pid;
    rig.killPonder();
    await reorganise(1);
    await until("Ponder runs again", () => rig.parts.indexer.pid !== killed);
    expect(await agreed()).to.equal(147n);
    await equalsFresh();
  });

  it("begins anew if blocks are gone that it took for final, and keeps the old database", async () => {
    const snapshot = await request("evm_snapshot");
    for (let block = 0; block < 2 * FINAL + 5; block++) await deposit(1);
    expect(await agreed()).to.equal(212n);
    await request("evm_revert", [snapshot]);
    await deposit(9);
    for (let block = 0; block < 5; block++) await request("evm_mine");
    await until("the old database is set aside", () =>
      rig.log.said("warn").some((line) => line.startsWith("the database does not fit")),
    );
    expect(await agreed()).to.equal(156n);
    await equalsFresh();
    const [folder] = readdirSync(rig.folder);
    expect(existsSync(path.join(rig.folder, folder!, "pglite-0"))).to.equal(true);
    expect(existsSync(path.join(rig.folder, folder!, "pglite-1"))).to.equal(true);
  });
});
