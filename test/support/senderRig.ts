import { parseGwei, type Address, type Hex } from "viem";
import { createChainClient, type ChainClient } from "../../src/chain/client.ts";
import type { FeePolicy } from "../../src/chain/transactions/fees.ts";
import type { Call } from "../../src/chain/transactions/call.ts";
import { TransactionSender } from "../../src/chain/transactions/sender.ts";
import { systemTimers, type Timers } from "../../src/node/timers.ts";
import { startAnvil, type Anvil } from "./anvil.ts";
import { MemoryLog, type LoggedLine } from "./memoryLog.ts";
import { RpcProxy } from "./rpcProxy.ts";

/** The first of the well-known test keys. */
const KEY: Hex = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
export const OWNER: Address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
export const SINK: Address = `0x${"5a".repeat(20)}`;
const CHAIN = 31_337;
/** How much time passes with each look for something that is waited for, milliseconds. */
const STEP_MS = 20;

/** A call that any address takes; which one it is shows in its argument. */
const abi = [
  {
    type: "function",
    name: "note",
    inputs: [{ name: "mark", type: "uint256" }],
    outputs: [],
    stateMutability: "nonpayable",
  },
] as const;

export const note = (mark: bigint): Call => ({
  address: SINK,
  abi,
  functionName: "note",
  args: [mark],
});

/** A sender on a chain whose blocks come when the test wants them, and an endpoint that can fail. */
export class SenderRig {
  readonly anvil: Anvil;
  readonly proxy: RpcProxy;
  readonly log = new MemoryLog();
  /** What the sender reads through; the node itself unless told otherwise. */
  client: ChainClient;
  /** How far the sender's timers are ahead of real ones, milliseconds. */
  ahead = 0;
  readonly timers: Timers = {
    monotonic: () => systemTimers.monotonic() + this.ahead,
    sleep: (milliseconds, signal) => {
      this.pauses.push(milliseconds);
      return systemTimers.sleep(Math.min(milliseconds, 10), signal);
    },
  };
  /** How long the sender wanted to wait each time, milliseconds. */
  readonly pauses: number[] = [];

  private constructor(anvil: Anvil) {
    this.anvil = anvil;
    this.proxy = new RpcProxy(anvil.rpcUrl);
    this.client = this.#connect(anvil.rpcUrl);
  }

  static async start(): Promise<SenderRig> {
    const rig = new SenderRig(await startAnvil({ args: ["--no-mining"] }));
    await rig.proxy.start();
    return rig;
  }

  async stop(): Promise<void> {
    await this.proxy.stop();
    await this.anvil.stop();
  }

  /** A process with the key. */
  create(fees: FeePolicy = {}, rpcUrls: readonly string[] = [this.anvil.rpcUrl]) {
    const { client, log, timers } = this;
    return new TransactionSender(
      { rpcUrls, chainId: CHAIN, key: KEY, fees },
      { client, log, timers },
    );
  }

  /** From now on senders read through the proxy. */
  readThroughProxy(): void {
    this.client = this.#connect(this.proxy.url);
  }

  async mine(): Promise<void> {
    await this.anvil.request("evm_mine");
  }

  /** Sets the base fee of the next block, and mines it. */
  async baseFee(gwei: string): Promise<void> {
    const fee = `0x${parseGwei(gwei).toString(16)}`;
    await this.anvil.request("anvil_setNextBlockBaseFeePerGas", [fee]);
    await this.mine();
  }

  /** Mines until something is settled. */
  async mineUntil<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settle = () => (isSettled = true);
    promise.then(settle, settle);
    while (!isSettled) await this.mine();
    return promise;
  }

  /** What waits for a block, as text; `{}` for nothing. */
  async pool(): Promise<string> {
    const content = await this.anvil.request<{ pending: object; queued: object }>("txpool_content");
    return JSON.stringify({ ...content.pending, ...content.queued });
  }

  /** Waits until something waits for a block. */
  async untilPooled(): Promise<void> {
    while ((await this.pool()) === "{}") this.ahead += STEP_MS;
  }

  /** Waits until the sender, which reads through the proxy, has looked for a receipt twice more. */
  async looks(): Promise<void> {
    const method = "eth_getTransactionReceipt";
    const enough = this.proxy.count(method) + 2;
    while (this.proxy.count(method) < enough) await this.anvil.request("eth_blockNumber");
  }

  /** Waits until something was logged so many times; the lines. */
  async said(message: string, times = 1): Promise<LoggedLine[]> {
    const lines = () => this.log.lines.filter((line) => line.message === message);
    while (lines().length < times) {
      await this.anvil.request("eth_blockNumber");
      this.ahead += STEP_MS;
    }
    return lines();
  }

  /** The marks of what was mined, in order; 0 for a transaction that does nothing. */
  async mined(): Promise<bigint[]> {
    const marks: bigint[] = [];
    const node = this.#connect(this.anvil.rpcUrl);
    for (let number = 1n; number <= (await node.getBlockNumber()); number++) {
      const block = await node.getBlock({ blockNumber: number, includeTransactions: true });
      for (const { input } of block.transactions)
        marks.push(input === "0x" ? 0n : BigInt(`0x${input.slice(10)}`));
    }
    return marks;
  }

  #connect(url: string): ChainClient {
    const client = createChainClient([url], CHAIN, { timers: this.timers });
    client.pollingInterval = 10;
    return client;
  }
}
