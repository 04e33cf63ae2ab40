import { expect } from "chai";
import { readFileSync } from "node:fs";
import path from "node:path";
import { parseEther } from "viem";
import { WorkerProcess } from "../../devnet/worker.ts";
import { CliRig, parts } from "../support/cliRig.ts";
import { ask } from "../support/httpClient.ts";

/** A new account, with nothing. */
const NEW = "0x00000000000000000000000000000000000fa0ce" as const;

describe("blockcloud faucet run, as a process", () => {
  let rig: CliRig;
  const running: WorkerProcess[] = [];

  before(async () => {
    rig = await CliRig.start();
  });
  after(async () => {
    await Promise.all(running.map((worker) => worker.stop()));
    await rig.stop();
  });

  async function start(name: string): Promise<{ worker: WorkerProcess; port: number }> {
    const worker = new WorkerProcess({
      name,
      args: [
        ...["faucet", "run", "--listen", "127.0.0.1:0", "--bloc", "50", "--ether", "0.25"],
        ...["--deployment", path.join(rig.folder, "devnet.json"), "--rpc", rig.devnet.rpcUrl],
        ...["--state", path.join(rig.folder, "state")],
      ],
      env: { BLOCKCLOUD_FAUCET_KEY: parts.wallet.key },
      logFile: path.join(rig.folder, `${name}.log`),
    });
    running.push(worker);
    const { port } = await worker.logged("faucet listens");
    return { worker, port: Number(port) };
  }
  const gift = (port: number) =>
    ask({
      ...{ port, method: "POST", path: "/v1/gifts" },
      body: Buffer.from(JSON.stringify({ address: NEW })),
    });

  it("gives a new account BLOC and ether, and forgets no limit when it is started again", async () => {
    const first = await start("faucet");
    const answer = await gift(first.port);
    expect(answer.status, answer.body.toString()).to.equal(200);
    const { json, stderr } = await rig.cli(`balance ${NEW} --json`);
    expect(json(), stderr).to.include({
      ether: parseEther("0.25").toString(),
      bloc: parseEther("50").toString(),
    });
    await first.worker.kill();

    const second = await start("faucet again");
    expect((await gift(second.port)).status).to.equal(429);
    await second.worker.stop();
    expect(second.worker.exitCode).to.equal(0);
    for (const name of ["faucet", "faucet again"]) {
      const log = readFileSync(path.join(rig.folder, `${name}.log`), "utf8");
      expect(log).not.to.contain(parts.wallet.key.slice(2));
    }
  });

  it("is refused on a chain whose ether is worth something, and with gifts above the day's", async () => {
    const line = "faucet run --listen 127.0.0.1:0 --faucet-key-file wallet.key";
    const { code, stderr } = await rig.cli(`${line} --bloc 10 --daily-bloc 9`);
    expect([code, stderr.split(":")[0]]).to.deep.equal([2, "GIFT_INVALID"]);
    rig.file("mainnet.json", JSON.stringify({ ...rig.devnet.deployment, chainId: 1 }));
    const env = { BLOCKCLOUD_DEPLOYMENT: "mainnet.json" };
    expect((await rig.cli(line, { env })).code).to.equal(2);
  });
});

describe("blockcloud balance", () => {
  it("shows the ether and the BLOC of an account, for people", async () => {
    const rig = await CliRig.start();
    try {
      const { stdout } = await rig.cli(`balance ${parts.wallet.address}`);
      expect(stdout).to.match(/^0x[\dA-F]{40} has [\d.]+ ETH and 100000 BLOC\n$/i);
      expect((await rig.cli("balance 0x12")).code).to.equal(2);
    } finally {
      await rig.stop();
    }
  });
});
