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

/** Long enough for all transactions of a benchmark in one epoch, at one second per block. */
const EPOCH_SECONDS = 3600;
/** Gas limit of a transaction: EIP-7825's bound, less one. */
const TRANSACTION_GAS: Hex = "0xffffff";
const ETHER: Hex = "0xffffffffffffffffffffffff";

/** A contract by its name in a deployment file. */
export type ContractName = keyof typeof abis;

/** JSON-RPC without a socket. */
type Request = (method: string, params?: readonly unknown[]) => Promise<unknown>;

/** A contract call and its sender. */
export interface BenchCall {
  from: Address;
  contract: ContractName;
  functionName: string;
  args: readonly unknown[];
}

/** A transaction in its block. */
export interface Mined {
  hash: Hex;
  /** Gas of the whole transaction, from its receipt. */
  gas: number;
  logs: readonly { address: Address; topics: [] | [Hex, ...Hex[]]; data: Hex }[];
}

/** A call frame of a transaction, from the call tracer. */
export interface Frame {
  type: string;
  to: Address;
  input: Hex;
  gasUsed: Hex;
  calls?: Frame[];
}

/** Changed storage before and after a transaction, without zero values. */
export interface StorageDiff {
  pre: Record<Address, { storage?: Record<Hex, Hex> }>;
  post: Record<Address, { storage?: Record<Hex, Hex> }>;
}

/**
 * A chain in this process with the contracts: one block per transaction, senders without signatures, controlled time.
 * None of this changes the gas of a transaction.
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
    // The same times in each run, because signed and hashed data contain times, and gas depends on zero bytes.
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

  /** Sends a call and returns its result in the block. Throws if it reverts. */
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

  /** Sends encoded calldata, without reading the receipt. */
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

  /** The result of a view. */
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

  /** Mines the first block of an epoch, and one above it. */
  async enter(epoch: number): Promise<void> {
    const start = epochStart(this.deployment, epoch);
    await this.#request("evm_mine", [start]);
    await this.#request("evm_mine", [start + 1]);
  }

  /** Runs a function, then restores the state of the chain. */
  async undoing<T>(run: () => Promise<T>): Promise<T> {
    const snapshot = await this.#request("evm_snapshot");
    try {
      return await run();
    } finally {
      await this.#request("evm_revert", [snapshot]);
    }
  }

  /** The calls of a transaction. */
  async calls(hash: Hex): Promise<Frame> {
    return (await this.#trace(hash, { tracer: "callTracer" })) as Frame;
  }

  /** The storage changes of a transaction. */
  async storageDiff(hash: Hex): Promise<StorageDiff> {
    const tracer = { tracer: "prestateTracer", tracerConfig: { diffMode: true } };
    return (await this.#trace(hash, tracer)) as StorageDiff;
  }

  #trace(hash: Hex, options: object): Promise<unknown> {
    return this.#request("debug_traceTransaction", [hash, options]);
  }
}

/**
 * Sets the time of each block to one second after the previous block, also during the deployment. Otherwise the chain
 * would use real time if it is later, and results would depend on the machine's speed.
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
    // Sequential, because the second block's time depends on the first.
    const sent = last.then(() => step(call));
    last = sent.catch(() => undefined);
    return sent;
  };
}
