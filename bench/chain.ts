import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import type { RequestArguments } from "hardhat/types/providers";
import { fileURLToPath } from "node:url";
import {
  createPublicClient,
  custom,
  encodeFunctionData,
  type Abi,
  type Address,
  type Hex,
} from "viem";
import config from "../hardhat.config.ts";
import { describeChain, type ChainClient } from "../src/chain/client.ts";
import type { Deployment } from "../src/chain/deployment.ts";
import { deployDevnet, deploySuccessor } from "../devnet/devnet.ts";
import type { Connection } from "../ignition/deploy.ts";
import { abis } from "../src/protocol/abis.ts";
import { epochAt, epochStart } from "../src/protocol/epoch.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Long enough that what a benchmark sends in one epoch, a second a block, stays in it. */
const EPOCH_SECONDS = 3600;
/** EIP-7825, less one: what a transaction may cost. */
const TRANSACTION_GAS: Hex = "0xffffff";
const ETHER: Hex = "0xffffffffffffffffffffffff";

/** A contract by its name in a deployment file. */
export type ContractName = keyof typeof abis;

/** JSON-RPC, without the way over a socket. */
type Request = (method: string, params?: readonly unknown[]) => Promise<unknown>;

/** A contract call and who sends it. */
export interface BenchCall {
  from: Address;
  contract: ContractName;
  functionName: string;
  args: readonly unknown[];
}

/** A transaction in its block. */
export interface Mined {
  hash: Hex;
  /** Whole transaction, as its receipt has it. */
  gas: number;
  logs: readonly { address: Address; topics: [] | [Hex, ...Hex[]]; data: Hex }[];
}

/** A frame of a transaction's calls, as the call tracer gives it. */
export interface Frame {
  type: string;
  to: Address;
  input: Hex;
  gasUsed: Hex;
  calls?: Frame[];
}

/** Storage before and after a transaction, where it differs; what is zero is left out. */
export interface StorageDiff {
  pre: Record<Address, { storage?: Record<Hex, Hex> }>;
  post: Record<Address, { storage?: Record<Hex, Hex> }>;
}

/**
 * A chain in this process with the contracts on it: a block for each transaction, senders without
 * signatures, time that is set. Nothing of that changes what a transaction costs.
 */
export class BenchChain {
  readonly deployment: Deployment;
  readonly client: ChainClient;
  readonly #request: Request;
  readonly #connection: Connection;
  readonly #senders = new Set<Address>();

  private constructor(
    deployment: Deployment,
    client: ChainClient,
    request: Request,
    connection: Connection,
  ) {
    this.deployment = deployment;
    this.client = client;
    this.#request = request;
    this.#connection = connection;
  }

  static async start(): Promise<BenchChain> {
    const hre = await createHardhatRuntimeEnvironment(config, {}, root);
    // The same times in each run: what is signed and hashed holds times, and calldata is paid by its zeros.
    const override = { mining: { auto: true, interval: 0 }, initialDate: "2027-01-01T00:00:00Z" };
    const connection = await hre.network.create({ network: "simulated", override });
    const { provider } = connection;
    keepStep(provider);
    const deployment = await deployDevnet(connection, { epochSeconds: EPOCH_SECONDS });
    const client = createPublicClient({
      chain: describeChain(deployment.chainId),
      transport: custom(provider),
      cacheTime: 0,
    });
    return new BenchChain(
      deployment,
      client,
      (method, params) => provider.request({ method, params: [...(params ?? [])] }),
      connection,
    );
  }

  /** A later version of the contracts on the same chain; the registry of this one must be closed. */
  async succeed(): Promise<BenchChain> {
    const options = { epochSeconds: EPOCH_SECONDS };
    const deployment = await deploySuccessor(this.#connection, this.deployment, options);
    return new BenchChain(deployment, this.client, this.#request, this.#connection);
  }

  stop(): Promise<void> {
    return this.#connection.close();
  }

  /** Sends a call and returns what its block says. Throws when it reverts. */
  async send(call: BenchCall): Promise<Mined> {
    const { contract, functionName, args } = call;
    const abi: Abi = abis[contract];
    const data = encodeFunctionData({ abi, functionName, args });
    const hash = await this.post(call.from, contract, data);
    const receipt = (await this.#request("eth_getTransactionReceipt", [hash])) as {
      gasUsed: Hex;
      logs: Mined["logs"];
    };
    return { hash, gas: Number(receipt.gasUsed), logs: receipt.logs };
  }

  /** Sends encoded calldata, without looking at the receipt. */
  async post(from: Address, contract: ContractName, data: Hex): Promise<Hex> {
    if (!this.#senders.has(from)) {
      await this.#request("hardhat_impersonateAccount", [from]);
      await this.#request("hardhat_setBalance", [from, ETHER]);
      this.#senders.add(from);
    }
    const to = this.deployment.contracts[contract];
    const transaction = { from, to, data, gas: TRANSACTION_GAS };
    return (await this.#request("eth_sendTransaction", [transaction])) as Hex;
  }

  /** A view's answer. */
  async read<T>(contract: ContractName, functionName: string, args: unknown[] = []): Promise<T> {
    const abi: Abi = abis[contract];
    const address = this.deployment.contracts[contract];
    return (await this.client.readContract({ address, abi, functionName, args })) as T;
  }

  /** The epoch of the newest block. */
  async epoch(): Promise<number> {
    const { timestamp } = await this.client.getBlock();
    return epochAt(this.deployment, Number(timestamp));
  }

  /** Makes the first block of an epoch, and one above it. */
  async enter(epoch: number): Promise<void> {
    const start = epochStart(this.deployment, epoch);
    await this.#request("evm_mine", [start]);
    await this.#request("evm_mine", [start + 1]);
  }

  /** Runs something and takes the chain back to where it was. */
  async undoing<T>(run: () => Promise<T>): Promise<T> {
    const snapshot = await this.#request("evm_snapshot");
    try {
      return await run();
    } finally {
      await this.#request("evm_revert", [snapshot]);
    }
  }

  /** What a transaction called. */
  async calls(hash: Hex): Promise<Frame> {
    return (await this.#trace(hash, { tracer: "callTracer" })) as Frame;
  }

  /** What a transaction changed in storage. */
  async storageDiff(hash: Hex): Promise<StorageDiff> {
    const tracer = { tracer: "prestateTracer", tracerConfig: { diffMode: true } };
    return (await this.#trace(hash, tracer)) as StorageDiff;
  }

  #trace(hash: Hex, options: object): Promise<unknown> {
    return this.#request("debug_traceTransaction", [hash, options]);
  }
}

/**
 * Puts each transaction's block one second after the block before, also those of the deployment. By itself
 * the chain would take the real time where that is later, and with it how fast this machine is.
 */
function keepStep(provider: { request: (call: RequestArguments) => Promise<unknown> }): void {
  const request = provider.request.bind(provider);
  let last: Promise<unknown> = Promise.resolve();
  const step = async (call: RequestArguments) => {
    const { timestamp } = (await request({
      method: "eth_getBlockByNumber",
      params: ["latest", false],
    })) as { timestamp: Hex };
    await request({ method: "evm_setNextBlockTimestamp", params: [Number(timestamp) + 1] });
    return request(call);
  };
  provider.request = (call) => {
    if (!call.method.startsWith("eth_send")) return request(call);
    // One after the other: the second's time depends on the first's block.
    const sent = last.then(() => step(call));
    last = sent.catch(() => undefined);
    return sent;
  };
}
