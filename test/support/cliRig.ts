import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { erc20Abi, parseEther, type Abi, type Address, type Hex } from "viem";
import { createChainClient, type ChainClient } from "../../src/chain/client.ts";
import { TransactionSender } from "../../src/chain/transactions/sender.ts";
import { devKey, startDevnet, type Devnet } from "../../devnet/devnet.ts";
import { silentLogger } from "../../src/node/logger.ts";
import type { Timers } from "../../src/node/timers.ts";
import { serviceRegistryAbi } from "../../src/protocol/abi/serviceRegistry.ts";
import { stakingAbi } from "../../src/protocol/abi/staking.ts";
import { runCli, type CliOutcome, type CliSurroundings } from "./cli.ts";

/** Which of the chain's funded keys plays which part. */
export const parts = {
  wallet: devKey(1),
  owner: devKey(2),
  operator: devKey(3),
  service: devKey(4),
  newKey: devKey(5),
  stranger: devKey(6),
};

/** A probe that any command takes. */
export const PROBE = '{"v":1,"requests":[{"path":"/health"}]}';

/** A chain with the contracts, and a folder with key files, for commands that run in this process. */
export class CliRig {
  readonly devnet: Devnet;
  readonly client: ChainClient;
  readonly folder: string;
  /** Waiting moves the chain's time instead of the test's. */
  readonly timers: Timers;
  /** Everything that any command has printed. */
  printed = "";
  #elapsed = 0;

  private constructor(devnet: Devnet, folder: string) {
    this.devnet = devnet;
    this.folder = folder;
    this.client = createChainClient([devnet.rpcUrl], devnet.deployment.chainId);
    this.timers = {
      monotonic: () => this.#elapsed,
      sleep: async (milliseconds, signal) => {
        signal.throwIfAborted();
        this.#elapsed += milliseconds;
        await this.pass(Math.ceil(milliseconds / 1000));
      },
    };
  }

  /** Starts the chain; the wallet's and the owner's keys hold 100,000 BLOC each. */
  static async start(): Promise<CliRig> {
    const folder = mkdtempSync(path.join(tmpdir(), "cli-"));
    const devnet = await startDevnet(folder, { automine: true });
    const rig = new CliRig(devnet, folder);
    rig.file("devnet.json", JSON.stringify(devnet.deployment));
    for (const [name, { key }] of Object.entries(parts)) rig.file(`${name}.key`, `${key}\n`);
    const { token } = devnet.deployment.contracts;
    for (const { address } of [parts.wallet, parts.owner]) {
      await rig.send(devKey(0).key, token, erc20Abi, "transfer", [address, parseEther("100000")]);
    }
    return rig;
  }

  async stop(): Promise<void> {
    await this.devnet.stop();
    rmSync(this.folder, { recursive: true });
  }

  /** Runs a command in the rig's folder, on the rig's chain. */
  async cli(line: string, surroundings: CliSurroundings = {}): Promise<CliOutcome> {
    const args = [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? "");
    const env = {
      BLOCKCLOUD_DEPLOYMENT: "devnet.json",
      BLOCKCLOUD_RPC: this.devnet.rpcUrl,
      ...surroundings.env,
    };
    const outcome = await runCli(args, {
      cwd: this.folder,
      timers: this.timers,
      ...surroundings,
      env,
    });
    this.printed += outcome.stdout + outcome.stderr;
    return outcome;
  }

  /** Writes a file that only its owner may read. */
  file(name: string, content: string): string {
    const file = path.join(this.folder, name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  }

  /** Lets the chain's time pass. */
  async pass(seconds: number): Promise<void> {
    await this.request("evm_increaseTime", [seconds]);
    await this.request("evm_mine", []);
  }

  /** Lets epochs pass. */
  epochs(count: number): Promise<void> {
    return this.pass(count * this.devnet.deployment.epochSeconds);
  }

  async request(method: string, params: readonly unknown[]): Promise<unknown> {
    const request = this.client.request as (call: object) => Promise<unknown>;
    return request({ method, params });
  }

  /** Sends a call that no command makes. */
  async send(
    key: Hex,
    address: Address,
    abi: Abi,
    functionName: string,
    args: readonly unknown[],
  ): Promise<void> {
    const { rpcUrl, deployment } = this.devnet;
    const sender = new TransactionSender(
      { rpcUrls: [rpcUrl], chainId: deployment.chainId, key },
      { client: this.client, log: silentLogger },
    );
    await sender.send({ address, abi, functionName, args });
  }

  /** BLOC of an account, wei. */
  bloc(address: Address): Promise<bigint> {
    return this.client.readContract({
      address: this.devnet.deployment.contracts.token,
      abi: erc20Abi,
      functionName: "balanceOf",
      args: [address],
    });
  }

  /** How many transactions an account has sent. */
  sent(address: Address): Promise<number> {
    return this.client.getTransactionCount({ address });
  }

  get registry() {
    return { address: this.devnet.deployment.contracts.registry, abi: serviceRegistryAbi } as const;
  }

  get staking() {
    return { address: this.devnet.deployment.contracts.staking, abi: stakingAbi } as const;
  }
}
