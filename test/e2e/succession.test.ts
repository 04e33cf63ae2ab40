import { expect } from "chai";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { loadDeployment, type Deployment } from "../../src/chain/deployment.ts";
import { serviceLabelsAbi } from "../../src/protocol/abi/serviceLabels.ts";
import { serviceRegistryAbi } from "../../src/protocol/abi/serviceRegistry.ts";
import { createChainClient, type ChainClient } from "../../src/chain/client.ts";
import { startAnvil, type Anvil } from "../support/anvil.ts";
import { cloneBuilt } from "../support/clone.ts";
import { commands } from "../support/runbook.ts";
import { Shell } from "../support/shell.ts";

/** Anvil's first two accounts, which have ether on it and nowhere else. */
const DEPLOYER_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const DEPLOYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const GOVERNOR_KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
const GOVERNOR = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const SEPOLIA = 11_155_111;
const GOVERNANCE_DELAY = 172_800;
const FORTNIGHT = 1_209_600;
const EPOCH = 3_600;
/** `labelMinimumAge` of the public parameters, seconds. */
const COMMITMENT_AGE = 60;
/** The versions, in their order. */
const [FIRST, SECOND, THIRD] = ["sepolia", "sepolia-2", "sepolia-3"] as const;

describe("three versions by the runbook of docs/operations.md, on Anvil with Sepolia's ID", function () {
  // Each step stands on the one before.
  this.bail(true);
  let anvil: Anvil;
  let client: ChainClient;
  let folder: string;
  let shell: Shell;

  const pass = async (seconds: number) => {
    await anvil.request("evm_increaseTime", [seconds]);
    await anvil.request("evm_mine");
  };
  /** Runs a block of a section, by its place in it. */
  const block = (heading: string, index = 0) => shell.run(commands(heading)[index] ?? "");
  const keys = "--wallet-key-file keys/wallet.json --password-file keys/password --yes";
  const deployment = (name: string): Deployment =>
    loadDeployment(path.join(folder, `deployments/${name}.json`));
  const registry = (name: string) =>
    ({ address: deployment(name).contracts.registry, abi: serviceRegistryAbi }) as const;
  const labels = (name: string) =>
    ({ address: deployment(name).contracts.labels, abi: serviceLabelsAbi }) as const;
  const holder = (name: string, label: string) =>
    client.readContract({ ...labels(name), functionName: "numberOf", args: [label] });

  before(async () => {
    anvil = await startAnvil({ chainId: SEPOLIA, args: ["--block-time", "0.3"] });
    client = createChainClient([anvil.rpcUrl], SEPOLIA);
    folder = await mkdtemp(path.join(tmpdir(), "blockcloud-succession-"));
    cloneBuilt(folder);
    shell = new Shell(folder, {
      SEPOLIA_RPC_URL: anvil.rpcUrl,
      SEPOLIA_DEPLOYER_KEY: DEPLOYER_KEY,
      DEPLOYER,
      GOVERNOR,
      GOVERNOR_KEY,
    });
  });
  after(async () => {
    shell.stop();
    await anvil.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Closes one version, and deploys the next. */
  async function succeed(older: string, newer: string): Promise<void> {
    await shell.run(`export OLD=${older} NEW=${newer}`);
    expect(await block("### Close the old version", 0)).to.contain("scheduled");
    await pass(GOVERNANCE_DELAY);
    expect(await block("### Close the old version", 1)).to.match(/closes at \d{4}-/);
    await pass(FORTNIGHT);
    expect(await block("### Deploy the new version")).to.contain(`written to`);
    expect(deployment(newer).parameters).to.include({
      predecessor: deployment(older).contracts.registry,
    });
  }

  it("the first version has two services, one of them with a label", async () => {
    await block("### Deploy");
    await block("### Fund");
    await shell.run(
      `npm run faucet -- --network sepolia --bloc 8000 --ether 0.1 --to $(bin/blockcloud key address keys/wallet.json)`,
    );
    await block("### Register a service", 0);
    await shell.run(`bin/blockcloud key new keys/second.json --password-file keys/password
bin/blockcloud service register --stake 1000 --probe '{"v":1,"requests":[{"path":"/"}]}' \\
  --service-key-file keys/second.json ${keys}`);
    await pass(3 * EPOCH);
    // It waits for the chain's time, which is moved as soon as it says so.
    const label = shell.run(`bin/blockcloud service label --service 1 --label weather ${keys}`);
    await shell.until(/until the label can be taken/);
    await pass(COMMITMENT_AGE);
    await label;
    expect(await holder(FIRST, "weather")).to.equal(1n);
  });

  it("a successor is refused while its predecessor is open", async () => {
    const deploy = commands("### Deploy the new version")[0] ?? "";
    await shell.run(`export OLD=${FIRST} NEW=${SECOND}`);
    const said = await shell.run(`if ${deploy.trim()}\nthen exit 1; fi`);
    expect(said).to.contain("PREDECESSOR_OPEN");
  });

  it("the second version takes the first service over, with its label", async () => {
    await succeed(FIRST, SECOND);
    expect(await block("### Move a service")).to.match(/service 1, label weather/);
    expect(await holder(SECOND, "weather")).to.equal(1n);
    // The other one stays where it is, and is no service here.
    const args = [2n] as const;
    const call = { ...registry(SECOND), functionName: "homeOf", args } as const;
    expect(await client.readContract(call)).to.equal(deployment(FIRST).contracts.registry);
  });

  it("the third version takes one from the second, and one that had stayed in the first", async () => {
    await succeed(SECOND, THIRD);
    expect(await block("### Move a service")).to.match(/service 1, label weather/);
    await shell.run(`bin/blockcloud service retire --network ${FIRST} --service 2 ${keys}
bin/blockcloud service take-over --network ${THIRD} --service 2 --stake 1000 \\
  --probe '{"v":1,"requests":[{"path":"/"}]}' --service-key-file keys/second.json ${keys}`);
    for (const number of [1n, 2n]) {
      const call = { ...registry(THIRD), functionName: "homeOf", args: [number] } as const;
      expect(await client.readContract(call)).to.equal(deployment(THIRD).contracts.registry);
    }
    expect(await holder(THIRD, "weather")).to.equal(1n);
  });

  it("the stakes of before are taken out by the rules of before", async () => {
    await pass(FORTNIGHT);
    const said = await block("### Take out what is left");
    expect(said).to.match(/service 1 has left with 1000 BLOC/);
  });
});
