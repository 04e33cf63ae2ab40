import { expect } from "chai";
import { createServer, type AddressInfo } from "node:net";
import { parseEther } from "viem";
import { WorkerProcess } from "../../devnet/worker.ts";
import { parsePrice } from "../../src/cashier/price.ts";
import { coinOf } from "../../src/cli/provider/payFlags.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { rawName } from "../../src/protocol/name.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { NOTICE_S } from "../../src/protocol/voucher.ts";
import { parts } from "../support/cliRig.ts";
import { blocksOf, runShell } from "../support/examples.ts";
import { until } from "../support/until.ts";
import { WeatherRig } from "../support/weatherRig.ts";

const TEN = parseEther("10").toString();
const { owner: payer, operator: session } = parts;

/** The page's commands in their order, as a person runs them, beside a service with a price. */
describe("docs/cashier.md", function () {
  this.timeout(240_000);
  const blocks = blocksOf("docs/cashier.md", "sh").map(({ code }) => code);
  const [first = "", proxy = "", keys = "", end = "", provide = ""] = blocks;
  let rig: WeatherRig;
  let env: Record<string, string>;
  let cleaned: string[];

  before(async () => {
    rig = await WeatherRig.start({
      price: parsePrice("0.002/MB|0.0001/request"),
      blocPriceWei: parseEther("1000"),
      exposure: { payer: 1n, total: parseEther("1") },
      redeemMs: 50,
      allowLoopback: true,
    });
    const { folder } = rig.chain;
    env = {
      BLOCKCLOUD_DEPLOYMENT: rig.deploymentFile,
      BLOCKCLOUD_RPC: rig.rpcUrl,
      BLOCKCLOUD_STATE: `${folder}/user`,
      RESOLVER: rig.resolverUrl,
      KEY: `${folder}/owner.key`,
      ADDRESS: payer.address,
      SESSION: session.address,
    };
    cleaned = [`${folder}/statement.csv`, `${folder}/proxy.log`];
  });
  after(() => rig.stop());

  /** What the page writes into the working folder goes to the rig's. */
  async function run(commands: string): Promise<string> {
    await rig.chain.pass(0);
    const [statement = "", log = ""] = cleaned;
    const here = commands
      .replaceAll("> statement.csv", `> ${statement}`)
      .replaceAll("> proxy.log", `> ${log}`);
    const { code, stdout, stderr } = await runShell(here, env);
    expect(code, stderr + stdout).to.equal(0);
    return stdout;
  }

  /** Fetches 12 MB of a service: what is free and what may be unpaid are 7 MB at most. */
  async function fetched(name: string, flags: string): Promise<{ status: number; paid: string }> {
    const use = `--resolver ${rig.resolverUrl} --allow-loopback --max-spend 1 --json`;
    const outcome = await rig.chain.cli(
      `fetch ${name}/bytes/12000000 ${use} --payer-key-file owner.key ${flags}`,
      { timers: systemTimers },
    );
    expect(outcome.code, outcome.stderr).to.equal(0);
    const { status, paid } = outcome.json();
    return { status: Number(status), paid: String(paid) };
  }

  it("has the blocks that this test runs", () => {
    expect(blocks).to.have.length(5);
  });

  it("users deposit, pay, and see what they paid", async () => {
    const stdout = await run(first);
    expect(stdout).to.contain("has 10 BLOC free at the Cashier").and.to.contain("sunny");
    expect(stdout).to.contain(`${payer.address} at the Cashier:`);
    // A single small request may be over before there is a tab.
    expect(stdout)
      .to.match(/^ *deposited +10 BLOC$/m)
      .and.to.match(/^(no tabs|service +state )/m);
  });

  it("programs pay through the local proxy", async () => {
    const port = await freePort();
    const stdout = await run(proxy.replaceAll("127.0.0.1:1080", `127.0.0.1:${port}`));
    expect(stdout).to.contain("sunny");
  });

  it("session keys are authorized and revoked", async () => {
    const stdout = await run(keys);
    expect(stdout).to.contain(`${session.address} may open tabs`).and.to.contain("no more tabs");
  });

  it("closed tabs are paid out after a day, and everything can be withdrawn", async () => {
    const [close = "", withdraw = ""] = end.trim().split("\n");
    // A use of several tranches, which goes on only when it is paid.
    expect((await fetched("weather.bloc.alt", "--state user")).paid).not.to.equal("0");
    expect(await run(close)).to.contain("can be closed after");
    const balance = async (name: string) =>
      (await rig.chain.cli(`cashier balance ${payer.address} --json`)).json()[name];
    await until("the provider has redeemed", async () => (await balance("left")) !== TEN);
    await rig.chain.pass(NOTICE_S + 1);
    // The provider may close it at the same moment.
    await until("the tab is closed", async () => {
      await rig.chain.cli("cashier close --all --payer-key-file owner.key --yes");
      return (await balance("reserved")) === "0";
    });
    expect(await run(close)).to.contain("has no tab to close");
    expect(await run(withdraw)).to.match(/received 9\.9\d+ BLOC/);
  });

  it("a provider names a price, and is paid", async () => {
    const { folder } = rig.chain;
    const args = provide
      .replaceAll(/\\\n\s*/g, "")
      .replaceAll(/'/g, "")
      .replace("--service 7", "--service 2")
      .replace("127.0.0.1:8080", "127.0.0.1:0")
      .replace("http://127.0.0.1:3456", rig.upstreamUrl)
      .replace("service.key", `${folder}/newKey.key`)
      .replace("wallet.key", `${folder}/stranger.key`)
      .trim()
      .split(" ");
    expect(args.shift()).to.equal("bin/blockcloud");
    const worker = new WorkerProcess({
      ...{ name: "provider 2", logFile: `${folder}/provider.log` },
      args: [...args, "--coral-listen", "/ip4/127.0.0.1/tcp/0", "--allow-loopback"],
      env: {
        ...env,
        BLOCKCLOUD_STATE: `${folder}/provider-2`,
        BLOCKCLOUD_CORAL_BOOTSTRAP: rig.bootstrap,
      },
    });
    try {
      await worker.logged("provider started");
      await rig.chain.cli("cashier deposit 10 --payer-key-file owner.key --yes");
      const { status, paid } = await fetched(rawName(rootServiceId(2n)), "--state user");
      expect(status).to.equal(200);
      expect(BigInt(paid) >= parseEther("0.01"), paid).to.equal(true);
    } finally {
      await worker.stop();
    }
  });

  it("describes a stablecoin as --coin takes it", () => {
    const [{ code } = { code: "" }] = blocksOf("docs/cashier.md", "json");
    expect(coinOf(code)).to.deep.equal({
      ...{ address: "0x036CbD53842c5426634e7929541eC2318f3dCF7e", name: "USDC", version: "2" },
      ...{ decimals: 6, perRequest: 1_000n, perMegabyte: 10_000n },
      weiPerToken: parseEther("0.0003"),
    });
  });
});

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}
