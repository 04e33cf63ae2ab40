import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { erc20Abi, keccak256, parseEther, stringToHex, type Address, type Hex } from "viem";
import { devKey, startDevnet } from "../../devnet/devnet.ts";
import { createChainClient, type ChainClient } from "../../src/chain/client.ts";
import type { Deployment } from "../../src/chain/deployment.ts";
import { registerService } from "../../src/chain/register.ts";
import { Services } from "../../src/chain/services.ts";
import { TransactionSender } from "../../src/chain/transactions/sender.ts";
import { silentLogger } from "../../src/node/logger.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { startAnvil } from "./anvil.ts";
import { deployOn } from "./onAnvil.ts";

/** Which node the contracts are on. */
export type ChainKind = "embedded" | "Anvil";

const EPOCH_SECONDS = 3_600;
const STAKE = parseEther("1000");
/** Funded keys: the treasury, who pays for deposits of others, the owner of all services, and their collectors. */
const TREASURY = devKey(0);
const RELAYER = devKey(1);
const OWNER = devKey(2);
const COLLECTORS = 3;

/** A chain with registered services, each with a collector that has ether. */
export class PayingStage {
  readonly client: ChainClient;
  readonly deployment: Deployment;
  readonly folder: string;
  readonly rpcUrl: string;
  readonly relayer: TransactionSender;
  readonly #treasury: TransactionSender;
  readonly #stop: () => Promise<void>;

  private constructor(
    chain: { rpcUrl: string; deployment: Deployment; stop(): Promise<void> },
    folder: string,
  ) {
    this.rpcUrl = chain.rpcUrl;
    this.deployment = chain.deployment;
    this.folder = folder;
    this.#stop = () => chain.stop();
    this.client = createChainClient([chain.rpcUrl], chain.deployment.chainId);
    // Blocks come with each transaction.
    this.client.pollingInterval = 10;
    this.#treasury = this.sender(TREASURY.key);
    this.relayer = this.sender(RELAYER.key);
  }

  static async start(kind: ChainKind, services: number): Promise<PayingStage> {
    const folder = mkdtempSync(path.join(tmpdir(), "paying-"));
    const stage = new PayingStage(await chainOf(kind, folder), folder);
    await stage.#register(services);
    return stage;
  }

  async stop(): Promise<void> {
    await this.#stop();
    rmSync(this.folder, { recursive: true });
  }

  /** The key of a service's collector, from 1. */
  collector(number: number): { key: Hex; address: Address } {
    return devKey(COLLECTORS + number - 1);
  }

  /** A key that holds nothing, by a name. */
  key(name: string): { key: Hex; address: Address } {
    const key = keccak256(stringToHex(`paying stage, ${name}`));
    return { key, address: addressOfKey(key) };
  }

  sender(key: Hex): TransactionSender {
    return new TransactionSender(
      { rpcUrls: [this.rpcUrl], chainId: this.deployment.chainId, key },
      { client: this.client, log: silentLogger },
    );
  }

  /** Hands BLOC out. */
  async fund(to: Address, amount: bigint): Promise<void> {
    await this.#treasury.send({
      address: this.deployment.contracts.token,
      abi: erc20Abi,
      functionName: "transfer",
      args: [to, amount],
    });
  }

  /** BLOC of an account, wei. */
  bloc(address: Address): Promise<bigint> {
    return this.client.readContract({
      address: this.deployment.contracts.token,
      abi: erc20Abi,
      functionName: "balanceOf",
      args: [address],
    });
  }

  /** BLOC that exists, wei. */
  supply(): Promise<bigint> {
    return this.client.readContract({
      address: this.deployment.contracts.token,
      abi: erc20Abi,
      functionName: "totalSupply",
    });
  }

  async #register(count: number): Promise<void> {
    const owner = this.sender(OWNER.key);
    const services = new Services(this.client, this.deployment);
    await this.fund(OWNER.address, BigInt(count) * (STAKE + parseEther("10")));
    for (let number = 0; number < count; number++) {
      await registerService(owner, this.deployment, services, {
        ...{ classId: 0, key: this.key(`service ${number}`).address, metadata: "", stake: STAKE },
        probe: { v: 1, requests: [{ path: "/" }] },
      });
    }
  }
}

async function chainOf(kind: ChainKind, folder: string) {
  if (kind === "embedded")
    return startDevnet(folder, { automine: true, epochSeconds: EPOCH_SECONDS });
  const anvil = await startAnvil();
  try {
    const deployment = await deployOn(anvil.rpcUrl, folder, { epochSeconds: EPOCH_SECONDS });
    return { rpcUrl: anvil.rpcUrl, deployment, stop: () => anvil.stop() };
  } catch (error) {
    await anvil.stop();
    throw error;
  }
}
