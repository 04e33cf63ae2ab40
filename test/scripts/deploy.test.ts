import { expect } from "chai";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { encodeFunctionData, getAddress } from "viem";
import { loadDeployment, type Deployment } from "../../src/chain/deployment.ts";
import { serviceRegistryAbi } from "../../src/protocol/abi/serviceRegistry.ts";
import { startAnvil, type Anvil } from "../support/anvil.ts";

const root = path.join(import.meta.dirname, "../..");
/** Anvil's first account, which has ether on it and nowhere else. */
const DEPLOYER_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const DEPLOYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const TREASURY = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const GOVERNOR = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
const SEPOLIA = 11_155_111;

interface Result {
  ok: boolean;
  changed: boolean;
  deployment: Deployment;
  checks: { what: string; ok: boolean }[];
}

/** `npm run deploy`, without npm around it. */
function start(rpcUrl: string, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ["scripts/deploy.ts", ...args], {
    cwd: root,
    env: { PATH: process.env.PATH, SEPOLIA_RPC_URL: rpcUrl, SEPOLIA_DEPLOYER_KEY: DEPLOYER_KEY },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function run(rpcUrl: string, ...args: string[]) {
  const child = start(rpcUrl, args);
  let [stdout, stderr] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const said = `${stdout}${stderr}`;
  expect(said, "a secret is printed").not.to.contain(DEPLOYER_KEY.slice(2));
  return { status, stdout, stderr, result: () => JSON.parse(stdout) as Result };
}

describe("npm run deploy, to a chain with Sepolia's ID", () => {
  let anvil: Anvil;
  let folder: string;
  const sepolia = (...args: string[]) =>
    run(anvil.rpcUrl, "--network", "sepolia", "--folder", folder, "--yes", "--json", ...args);
  const governed = ["--treasury", TREASURY, "--governor", GOVERNOR];
  const sent = async () =>
    Number(await anvil.request("eth_getTransactionCount", [DEPLOYER, "latest"]));

  before(async () => {
    // Ignition waits for confirmations: blocks come by themselves.
    anvil = await startAnvil({ chainId: SEPOLIA, args: ["--block-time", "0.3"] });
    folder = await mkdtemp(path.join(tmpdir(), "blockcloud-deploy-"));
  });
  after(async () => {
    await anvil?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("asks for what the parameter file leaves open, and sends nothing", async () => {
    const { status, stderr } = await sepolia();
    expect(status).to.equal(1);
    expect(stderr).to.match(/^PARAMETERS_INVALID: /m);
    expect(stderr).to.contain("treasury").and.to.contain("governor");
    expect(await sent()).to.equal(0);
  });

  it("refuses a governor that gives up its say as the deployer", async () => {
    const { status, stderr } = await sepolia("--treasury", TREASURY, "--governor", DEPLOYER);
    expect(status).to.equal(1);
    expect(stderr).to.match(/^GOVERNOR_IS_DEPLOYER: /m);
    expect(await sent()).to.equal(0);
  });

  it("does not deploy without being told to", async () => {
    const { status } = await run(
      anvil.rpcUrl,
      ...["--network", "sepolia", "--folder", folder, ...governed],
    );
    expect(status).to.equal(3);
    expect(await sent()).to.equal(0);
  });

  it("killed on the way, goes on where it stopped, without a second contract", async () => {
    const args = ["--network", "sepolia", "--folder", folder, "--yes", "--json", ...governed];
    const first = start(anvil.rpcUrl, args);
    const closed = new Promise((resolve) => first.once("close", resolve));
    // The second batch is out: some contracts are there, most are not.
    while ((await sent()) < 3) await anvil.request("evm_mine");
    first.kill("SIGKILL");
    await closed;
    expect(await sent()).to.be.below(20);
    // The worst moments: a hash that was never written, a future begun and no more, a line cut in two.
    const journal = path.join(folder, "ignition/deployments/sepolia/journal.jsonl");
    const lines = (await readFile(journal, "utf8")).split("\n").slice(0, -1);
    const last = (type: string) => lines.findLastIndex((line) => line.includes(`"${type}"`));
    const lastSend = last("TRANSACTION_SEND");
    const kept = last("TRANSACTION_PREPARE_SEND") > lastSend ? lines : lines.slice(0, lastSend);
    const begun = lines.find((line) => line.includes('"DEPLOYMENT_EXECUTION_STATE_INITIALIZE"'))!;
    const hollow = begun.replaceAll("AccessManager", "NeverPlanned");
    await writeFile(journal, [...kept, hollow, begun.slice(0, 40)].join("\n"));

    const { status, result, stderr } = await sepolia();
    expect(status, stderr).to.equal(0);
    const { ok, changed, deployment, checks } = result();
    expect({ ok, changed }).to.deep.equal({ ok: true, changed: true });
    expect(checks.length).to.be.at.least(75);
    expect(deployment.parameters).to.include({ treasury: TREASURY, governor: GOVERNOR });
    // Eleven contracts, four wires, two classes, a grant and a renunciation.
    expect(await sent()).to.equal(20);
    expect(loadDeployment(path.join(folder, "deployments/sepolia.json"))).to.deep.equal(deployment);
    const code = await anvil.request("eth_getCode", [deployment.contracts.registry, "latest"]);
    expect(code).to.have.length.above(1000);
  });

  it("run again when complete, it changes nothing", async () => {
    const file = path.join(folder, "deployments/sepolia.json");
    const before = await readFile(file, "utf8");
    const { status, result } = await sepolia();
    expect(status).to.equal(0);
    expect(result().changed).to.equal(false);
    expect(await readFile(file, "utf8")).to.equal(before);
    expect(await sent()).to.equal(20);
  });

  it("refuses other parameters than it was begun with", async () => {
    const { status, stderr } = await sepolia("--governor", TREASURY);
    expect(status).to.equal(1);
    expect(stderr).to.match(/^PARAMETERS_CHANGED: .*governor/m);
  });

  it("--check finds a deployment file that names another contract", async () => {
    const file = path.join(folder, "deployments/sepolia.json");
    const text = await readFile(file, "utf8");
    const { contracts } = JSON.parse(text) as Deployment;
    await writeFile(file, text.replaceAll(contracts.staking, getAddress(GOVERNOR)));
    const { status, result } = await sepolia("--check");
    await writeFile(file, text);

    expect(status).to.equal(1);
    const wrong = result().checks.filter(({ ok }) => !ok);
    expect(wrong.map(({ what }) => what)).to.deep.equal(["code of Staking"]);
  });

  it("refuses a chain of another ID", async () => {
    const other = await startAnvil({ chainId: 1 });
    try {
      const { status, stderr } = await run(
        other.rpcUrl,
        "--network",
        "sepolia",
        "--yes",
        ...governed,
      );
      expect(status).to.equal(1);
      expect(stderr).to.match(/^CHAIN_MISMATCH: /m);
    } finally {
      await other.stop();
    }
  });

  it("deploys a successor for the same token, to which a service moves with its number", async () => {
    const chain = await startAnvil();
    try {
      const common = () => [
        ...["--network", "devnet", "--rpc", chain.rpcUrl, "--folder", folder, "--json"],
      ];
      const devnet = async (...args: string[]) => {
        const { status, result, stderr } = await run("", ...common(), ...args);
        expect(status, stderr).to.equal(0);
        return result().deployment;
      };
      const older = path.join(folder, "deployments/devnet.json");
      const newer = path.join(folder, "deployments/devnet-2.json");
      const cli = (deployment: string, ...args: string[]) => {
        const command = ["bin/blockcloud", ...args, "--deployment", deployment, "--json"];
        const keys = { BLOCKCLOUD_WALLET_KEY: DEPLOYER_KEY, BLOCKCLOUD_SERVICE_KEY: DEPLOYER_KEY };
        const places = {
          BLOCKCLOUD_RPC: chain.rpcUrl,
          BLOCKCLOUD_STATE: path.join(folder, "state"),
        };
        const env = { PATH: process.env.PATH, ...keys, ...places };
        const printed = execFileSync(process.execPath, command, {
          cwd: root,
          encoding: "utf8",
          env,
        });
        return JSON.parse(printed) as Record<string, unknown>;
      };
      // The governor of the devnet's parameters is one of Anvil's accounts.
      const close = async ({ contracts, parameters }: Deployment) => {
        const data = encodeFunctionData({
          abi: serviceRegistryAbi,
          functionName: "announceClosing",
        });
        const call = { from: parameters?.governor, to: contracts.registry, data };
        await chain.request("eth_sendTransaction", [call]);
        // Anvil puts the transaction into a block after it has answered: it must not count from later.
        await chain.request("evm_mine");
        await chain.request("evm_increaseTime", [Number(parameters?.closingSeconds)]);
        await chain.request("evm_mine");
      };
      const registration = ["--probe", '{"v":1,"requests":[{"path":"/"}]}', "--yes"];
      const holds = () => cli(older, "service", "show", "1", "--skip-probe");

      const first = await devnet();
      expect(cli(older, "service", "register", ...registration)).to.include({ number: 1 });

      const successor = ["--name", "devnet-2", "--succeeds", older, "--reward-supply", "1000000"];
      const parameters = path.join(folder, "successor.json");
      const text = await readFile(path.join(root, "ignition/parameters/devnet.json"), "utf8");
      await writeFile(parameters, text.replace(/ *"treasury": "[^"]+",\n/, ""));
      const tooEarly = [...common(), ...successor, "--parameters", parameters];
      const { status, stderr } = await run("", ...tooEarly);
      expect(status).to.equal(1);
      expect(stderr).to.match(/^PREDECESSOR_OPEN: /m);
      await close(first);
      const second = await devnet(...successor, "--parameters", parameters);
      expect(second.contracts.token).to.equal(first.contracts.token);
      expect(second.contracts.registry).not.to.equal(first.contracts.registry);
      expect(second.parameters).to.include({
        predecessor: first.contracts.registry,
        rewardSupply: "1000000000000000000000000",
      });
      expect(loadDeployment(older)).to.deep.equal(first);

      cli(older, "service", "retire", "--service", "1", "--yes");
      const taken = cli(newer, "service", "take-over", "--service", "1", ...registration);
      expect(taken).to.include({ number: 1, owner: DEPLOYER, already: false });
      expect(cli(newer, "service", "take-over", "--service", "1", ...registration)).to.include({
        already: true,
      });
      // Its stake there is free when the unbonding time is over.
      await chain.request("evm_increaseTime", [200]);
      await chain.request("evm_mine");
      cli(older, "withdraw", "--service", "1", "--yes");
      expect(JSON.stringify(holds())).to.contain("Retired");
    } finally {
      await chain.stop();
    }
  });

  it("changes nothing where the chain was replaced, until it is asked to set the files aside", async () => {
    const own = path.join(folder, "replaced");
    const onDevnet = (chain: Anvil, ...args: string[]) =>
      run("", "--network", "devnet", "--rpc", chain.rpcUrl, "--folder", own, "--json", ...args);
    const deployTo = async (chain: Anvil, ...args: string[]) => {
      const { status, result, stderr } = await onDevnet(chain, ...args);
      expect(status, stderr).to.equal(0);
      return result();
    };
    const everything = async () => {
      const names = await readdir(own, { recursive: true, withFileTypes: true });
      const files = names.filter((entry) => entry.isFile());
      const paths = files.map((entry) => path.join(entry.parentPath, entry.name)).sort();
      return Promise.all(paths.map(async (file) => [file, await readFile(file, "utf8")]));
    };
    const refusedBy = async (code: string, chain: Anvil, ...args: string[]) => {
      const before = await everything();
      const { status, stderr } = await onDevnet(chain, ...args);
      expect(status).to.equal(1);
      expect(stderr).to.match(new RegExp(`^${code}: `, "m"));
      expect(await everything()).to.deep.equal(before);
      return stderr;
    };
    // Two chains differ by their first block's time.
    const [one, two] = [
      await startAnvil({ args: ["--timestamp", "1900000000"] }),
      await startAnvil({ args: ["--timestamp", "1900000001"] }),
    ];
    try {
      const first = await deployTo(one);
      expect(first.deployment.epochSeconds).to.equal(12);
      await refusedBy("DEPLOYMENT_OTHER_CHAIN", two, "--check");
      await refusedBy("DEPLOYMENT_OTHER_CHAIN", two, "--check", "--set-aside");
      const said = await refusedBy("DEPLOYMENT_OTHER_CHAIN", two);
      for (const named of [
        "--set-aside",
        "deployments/devnet.json",
        "ignition/deployments/devnet",
        "ignition/deployments/devnet.parameters.json",
        "ignition/set-aside/devnet-1",
      ]) {
        expect(said).to.contain(path.join(named));
      }
      // A checkout without the journal does not deploy a second time either.
      const record = path.join(own, "ignition/deployments/devnet.parameters.json");
      await rename(record, `${record}.elsewhere`);
      await refusedBy("DEPLOYMENT_RECORD_MISSING", one);
      await rename(`${record}.elsewhere`, record);

      const text = await readFile(path.join(own, "deployments/devnet.json"), "utf8");
      const second = await deployTo(two, "--set-aside");
      const aside = path.join(own, "ignition/set-aside/devnet-1");
      expect(await readFile(path.join(aside, "devnet.json"), "utf8")).to.equal(text);
      expect((await readdir(aside)).sort()).to.deep.equal([
        "devnet",
        "devnet.json",
        "devnet.parameters.json",
      ]);
      expect(second.changed).to.equal(true);
      expect(second.deployment.genesis).not.to.equal(first.deployment.genesis);
    } finally {
      await Promise.all([one.stop(), two.stop()]);
    }
  });
});
