import { expect } from "chai";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { getAddress, type Address } from "viem";
import { Monitor } from "../../devnet/monitor.ts";
import { readParameters } from "../../ignition/parameters.ts";
import { createChainClient, type ChainClient } from "../../src/chain/client.ts";
import type { Deployment } from "../../src/chain/deployment.ts";
import { stakingAbi } from "../../src/protocol/abi/staking.ts";
import { epochAt, HORIZON } from "../../src/protocol/epoch.ts";
import { startAnvil, type Anvil } from "../support/anvil.ts";
import { ChainDriver } from "../support/chainDriver.ts";
import { clone } from "../support/clone.ts";
import { commands, runbook } from "../support/runbook.ts";
import { Shell } from "../support/shell.ts";
import { until } from "../support/until.ts";

/** Anvil's first account, which has ether on it and nowhere else. */
const DEPLOYER_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const DEPLOYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const GOVERNOR = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const SEPOLIA = 11_155_111;
/** Unbonding of the public networks, seconds. */
const FORTNIGHT = 1_209_600;
/** What the page's processes listen at; here it may be taken. */
const PORTS = ["8080", "3456", "9101", "9102"];

/** Ports of this machine that are free. */
async function freePorts(count: number): Promise<string[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<string>((resolve) => {
          server.listen(0, "127.0.0.1", () => {
            resolve(String((server.address() as AddressInfo).port));
          });
        }),
    ),
  );
  for (const server of servers) server.close();
  return ports;
}

/** The chain of the walk-through, by hours that pass when everybody has done what they are for. */
class Hours {
  readonly #client: ChainClient;
  readonly #deployment: Deployment;
  readonly #driver: ChainDriver;
  readonly #anvil: Anvil;
  readonly #auditor: Address;
  readonly monitor: Monitor;

  constructor(anvil: Anvil, deployment: Deployment, auditor: Address) {
    this.#anvil = anvil;
    this.#deployment = deployment;
    this.#auditor = auditor;
    this.#client = createChainClient([anvil.rpcUrl], deployment.chainId);
    this.#driver = new ChainDriver(this.#client, deployment);
    this.monitor = new Monitor(this.#client, deployment, []);
  }

  /** The epoch of the newest block. */
  async now(): Promise<number> {
    const { timestamp } = await this.#client.getBlock();
    return epochAt(this.#deployment, Number(timestamp));
  }

  /** The auditor's stake, and the first epoch in which it counts. */
  async enrolment(): Promise<readonly [stake: bigint, since: number]> {
    return this.#client.readContract({
      ...this.#staking,
      functionName: "auditorStake",
      args: [this.#auditor],
    });
  }

  /** The stake of a service that counts two epochs later. */
  async serviceStake(number: bigint): Promise<bigint> {
    const epoch = (await this.now()) + HORIZON;
    const args = [number, epoch] as const;
    const [stake] = await this.#client.readContract({
      ...this.#staking,
      functionName: "serviceStakeAt",
      args,
    });
    return stake;
  }

  /** Lives through an epoch until the auditor has done all that is due in it. */
  async pass(epoch: number): Promise<void> {
    const { monitor } = this;
    const round = (each: number) => monitor.round(this.#auditor, each);
    await this.#driver.jump(epoch, 0);
    // The turn to prove the seed comes within a quarter of the epoch, once its first block is confirmed.
    for (let block = 0; block < this.#deployment.confirmations; block++) {
      await this.#anvil.request("evm_mine");
    }
    await this.#driver.jump(epoch, 0.3);
    await this.#until(`the seed of epoch ${epoch} is proven`, () => monitor.hasSeed(epoch));
    await this.#driver.jump(epoch, 0.42);
    await this.#until(`the rounds before ${epoch} are revealed and claimed`, () => {
      const [last, earlier] = [round(epoch - 1), round(epoch - 2)];
      // A round without a vote has nothing to claim.
      return last.committed === last.revealed && (earlier.votes === 0 || earlier.claimed);
    });
    const stake = await this.#client.readContract({
      ...this.#staking,
      functionName: "auditorStakeAt",
      args: [this.#auditor, epoch],
    });
    if (stake === 0n) return;
    await this.#driver.jump(epoch, 0.56);
    await this.#until(`the round of ${epoch} is committed to`, () => round(epoch).committed);
  }

  /** Whether a round waits to be claimed. */
  isOwed(before: number): boolean {
    const owed = (epoch: number) => {
      const { votes, claimed } = this.monitor.round(this.#auditor, epoch);
      return votes > 0 && !claimed;
    };
    return Array.from({ length: before }, (_, epoch) => epoch).some(owed);
  }

  /** Lets the time pass in which stake unbonds. */
  async unbond(): Promise<void> {
    await this.#anvil.request("evm_increaseTime", [FORTNIGHT]);
    await this.#anvil.request("evm_mine");
  }

  get #staking() {
    return { address: this.#deployment.contracts.staking, abi: stakingAbi } as const;
  }

  #until(what: string, holds: () => boolean): Promise<void> {
    return until(what, async () => {
      await this.monitor.refresh(await this.#client.getBlockNumber());
      return holds();
    });
  }
}

describe("the walk-through of docs/operations.md, on Anvil with Sepolia's ID", function () {
  this.timeout(900_000);
  // Each step stands on the one before.
  this.bail(true);
  let anvil: Anvil;
  let folder: string;
  let shell: Shell;
  let ports: readonly string[];
  let hours: Hours;

  const run = (block: string) =>
    shell.run(
      PORTS.reduce(
        (text, port, index) => text.replaceAll(`:${port}`, `:${ports[index]!}`),
        block.replaceAll(/(?<=http\.server )3456/g, ports[1]!),
      ),
    );
  const section = async (heading: string) => {
    const said: string[] = [];
    for (const block of commands(heading)) said.push(await run(block));
    return said;
  };
  /** A log, which is empty until its process has begun. */
  const log = (name: string) => {
    const file = path.join(folder, name);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  };

  before(async () => {
    anvil = await startAnvil({ chainId: SEPOLIA, args: ["--block-time", "0.3"] });
    folder = await mkdtemp(path.join(tmpdir(), "blockcloud-walk-"));
    ports = await freePorts(PORTS.length);
    clone(folder);
    shell = new Shell(folder, {
      SEPOLIA_RPC_URL: anvil.rpcUrl,
      SEPOLIA_DEPLOYER_KEY: DEPLOYER_KEY,
      DEPLOYER,
      GOVERNOR,
    });
  });
  afterEach(function () {
    if (this.currentTest?.state !== "failed") return;
    for (const name of ["provider.log", "auditor.log"]) {
      process.stderr.write(`${name} ends:\n${log(name).split("\n").slice(-40).join("\n")}\n`);
    }
  });
  after(async () => {
    shell.stop();
    await anvil.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("takes Anvil in Sepolia's place, with parameters that the contracts take", async () => {
    await section("### Anvil in place of Sepolia");
    const file = path.join(folder, "minutes.json");
    const { epochSeconds, unbondingSeconds } = readParameters(file, {
      treasury: DEPLOYER,
      governor: GOVERNOR,
    });
    expect({ epochSeconds, unbondingSeconds }).to.deep.equal({
      epochSeconds: 120,
      unbondingSeconds: 3_600,
    });
  });

  it("deploys, and finds the deployment as the parameters say", async () => {
    const [said = ""] = await section("### Deploy");
    const [, all = ""] = /\((\d+) comparisons\)/.exec(runbook) ?? [];
    const compared = `${all} of ${all} comparisons with the contracts on chain succeed`;
    expect(said).to.contain(`${compared}\nwritten to `).and.to.contain(`${compared}\nunchanged: `);
    const [, contracts = "", calls = ""] =
      /deploys (\w+) contracts and sends (\w+) /.exec(runbook) ?? [];
    expect(said).to.contain(`deploying: ${contracts} contracts and ${calls} calls`);
  });

  it("funds wallet, owner and operator, whose keys are encrypted", async () => {
    const [said = ""] = await section("### Fund");
    expect(said).to.match(/got 2100 BLOC and 0.02 ether/);
    expect(JSON.parse(log("keys/wallet.json"))).to.have.property("version", 3);
  });

  it("registers a service by the command, and another by a contract call", async () => {
    const [byCommand = "", byCall = ""] = await section("### Register a service");
    expect(byCommand).to.match(/^service 1, owned by 0x/m);
    expect(byCall).to.contain(`service 2n of ${DEPLOYER}`);
  });

  it("runs a provider", async () => {
    await section("### Run a provider");
    await until("the provider has announced its endpoint", () =>
      log("provider.log").includes("endpoint announced"),
    );
  });

  it("runs an auditor, which audits, earns and is paid; the provider too", async () => {
    await section("### Run an auditor");
    const { address } = JSON.parse(log("keys/owner.json")) as { address: string };
    const deployment = JSON.parse(log("deployments/sepolia.json")) as Deployment;
    hours = new Hours(anvil, deployment, getAddress(`0x${address.replace(/^0x/, "")}`));
    await until("the auditor runs", () => log("auditor.log").includes("auditor started"));
    const [, first] = await hours.enrolment();
    for (let epoch = first; epoch <= first + 3; epoch++) await hours.pass(epoch);
    expect(log("auditor.log")).to.contain("round claimed");
    await until("the audited epoch is settled", async () => {
      await hours.pass((await hours.now()) + 1);
      return hours.monitor.settlement(1n, first) !== undefined;
    });
    // The grade follows the latency, and so the load of the machine; a failure would be 0.
    const grade = hours.monitor.settlement(1n, first)?.grade ?? 0;
    expect(grade).to.be.within(1, 3);
    await until("the provider says so", () => log("provider.log").includes(`"grade":${grade}`));
  });

  it("shows what was earned", async () => {
    const [said = ""] = await section("### Look, and earn");
    expect(said).to.match(/EXCELLENT|GOOD|POOR/);
  });

  it("leaves with stake and pay", async () => {
    const leave = async () => {
      await until("the auditor unbonds", async () => (await hours.enrolment())[0] === 0n);
      do await hours.pass((await hours.now()) + 1);
      while (hours.isOwed((await hours.now()) + 1));
      await hours.unbond();
      await until("the service unbonds", async () => (await hours.serviceStake(1n)) === 0n);
      await hours.unbond();
    };
    const [[said = ""]] = await Promise.all([section("### Leave"), leave()]);
    expect(said).to.match(/withdr/i);
  });
});
