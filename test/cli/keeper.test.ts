import { expect } from "chai";
import { erc20Abi, parseEther } from "viem";
import { writeDeployment } from "../../devnet/cast.ts";
import type { Stage } from "../../devnet/stage.ts";
import { devKey } from "../../devnet/devnet.ts";
import { WorkerProcess } from "../../devnet/worker.ts";
import path from "node:path";
import { exitCodes } from "../../src/cli/framework/exitCodes.ts";
import { AuditedChain, FIRST } from "../support/auditedChain.ts";
import { runCli } from "../support/cli.ts";

const KEEPER = devKey(12);

describe("blockcloud keeper run, as a process", () => {
  let chain: AuditedChain;
  const running: WorkerProcess[] = [];

  const start = (stage: Stage, name: string) => {
    const worker = new WorkerProcess({
      name,
      args: [
        ...["keeper", "run", "--deployment", path.join(stage.folder, "devnet.json")],
        ...["--rpc", stage.devnet.rpcUrl, "--bloc-price", "1"],
        ...["--state", path.join(stage.folder, "state")],
      ],
      env: { BLOCKCLOUD_KEEPER_KEY: KEEPER.key },
      logFile: path.join(stage.folder, `${name}.log`),
    });
    running.push(worker);
    return worker;
  };
  const balance = () =>
    chain.client.readContract({
      address: chain.deployment.contracts.token,
      abi: erc20Abi,
      functionName: "balanceOf",
      args: [KEEPER.address],
    });

  before(async () => {
    chain = await AuditedChain.start({ services: [1_000], auditors: [10_000, 10_000] });
    await writeDeployment(chain.stage);
  });
  after(async () => {
    await Promise.all(running.map((worker) => worker.stop()));
    await chain.stop();
  });

  it("wants a key and a price of BLOC, and names both at once", async () => {
    const { code, stderr } = await runCli(["keeper", "run"], {
      cwd: chain.stage.folder,
      env: {
        BLOCKCLOUD_DEPLOYMENT: "devnet.json",
        BLOCKCLOUD_RPC: chain.stage.devnet.rpcUrl,
      },
    });
    expect(code).to.equal(exitCodes.usage);
    expect(stderr).to.contain("--bloc-price").and.to.contain("--keeper-key-file");
  });

  it("proves missing seeds, and reports auditors that vanished; after a kill it continues", async () => {
    await chain.play(FIRST, FIRST, { 1: 3 });
    await chain.enter(FIRST + 1);
    await chain.reveal(FIRST, 0);
    await chain.enter(FIRST + 2, { tick: false });
    const keeper = start(chain.stage, "keeper");
    const reported = await keeper.logged("done");
    expect(reported).to.include({ duty: "report", epoch: FIRST });
    // Its turn for the seed lies within a quarter of the epoch behind the first blocks.
    await chain.driver.jump(FIRST + 2, 0.3);
    await chain.driver.until("it has proven the seed", async () => {
      return (await chain.seeds.recorded(FIRST + 2)) !== undefined;
    });
    expect(await balance()).to.equal(parseEther("1.5"));
    await keeper.kill();

    await chain.enter(FIRST + 3, { tick: false });
    const again = start(chain.stage, "keeper again");
    await again.logged("keeper started");
    await chain.driver.jump(FIRST + 3, 0.3);
    await chain.driver.until("it has proven the next one", async () => {
      return (await chain.seeds.recorded(FIRST + 3)) !== undefined;
    });
    expect(await balance()).to.equal(parseEther("2.5"));
    await again.stop();
    expect(again.exitCode).to.equal(0);
  });
});
