import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { keccak256, toHex, type Hex } from "viem";
import type { History } from "./history.ts";

interface Call {
  id: number;
  method: string;
  params: readonly unknown[];
}
interface Filter {
  address?: Hex | Hex[];
  /** Ponder asks for one event at a time. */
  topics?: (Hex | Hex[] | null)[];
  fromBlock: Hex;
  toBlock: Hex;
}

const BLOOM: Hex = `0x${"0".repeat(512)}`;
const ZERO: Hex = `0x${"0".repeat(64)}`;
const hashOf = (what: string) => keccak256(toHex(what));
const quantity = (value: number): Hex => `0x${value.toString(16)}`;

/** A node that answers at once: JSON-RPC of a made-up history. */
export class HistoryNode {
  readonly #history: History;
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  /** All of them, as a node has them: what is asked for is there at once. */
  readonly #blocks = new Map<number, Built>();
  requests = 0;
  readonly #failed: (error: Error) => void;

  /** @param failed Hears of a request that the history cannot answer: the measurement is then worth nothing. */
  constructor(history: History, failed: (error: Error) => void) {
    this.#history = history;
    this.#failed = failed;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async start(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  /** Makes all blocks; the number of their events. */
  countEvents(): number {
    let events = 0;
    for (let block = 1; block <= this.#history.head; block++) {
      events += this.#block(block).logs.length;
    }
    return events;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = JSON.parse(Buffer.concat(parts).toString()) as Call | Call[];
    const answers = [body].flat().map(({ id, method, params }) => {
      this.requests += 1;
      try {
        return { jsonrpc: "2.0", id, result: this.#answer(method, params) };
      } catch (error) {
        this.#failed(error as Error);
        return { jsonrpc: "2.0", id, error: { code: -32_000, message: String(error) } };
      }
    });
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(Array.isArray(body) ? answers : answers[0]));
  }

  #answer(method: string, params: readonly unknown[]): unknown {
    const [asked, isFull] = params;
    switch (method) {
      case "eth_chainId":
        return quantity(this.#history.deployment.chainId);
      case "eth_blockNumber":
        return quantity(this.#history.head);
      case "eth_getBlockByNumber": {
        const number = asked === "latest" ? this.#history.head : Number(asked);
        if (number > this.#history.head) return null;
        const { block, transactions } = this.#block(number);
        const hashes = transactions.map(({ hash }) => hash);
        return { ...block, transactions: isFull === true ? transactions : hashes };
      }
      case "eth_getBlockReceipts":
        return this.#block(Number(BigInt(asked as Hex) & 0xffffffffn)).receipts;
      case "eth_getLogs":
        return this.#logs(asked as Filter);
      default:
        throw new Error(`${method} is not served`);
    }
  }

  #logs({ address, topics = [], fromBlock, toBlock }: Filter) {
    const wanted = new Set([address ?? []].flat().map((each) => each.toLowerCase()));
    const isWanted = (log: Built["logs"][number]) =>
      wanted.has(log.address) &&
      topics.every(
        (topic, at) => topic === null || [topic].flat().includes(log.topics[at] ?? ZERO),
      );
    const logs = [];
    for (let number = Number(fromBlock); number <= Number(toBlock); number++) {
      for (const log of this.#block(number).logs) if (isWanted(log)) logs.push(log);
    }
    return logs;
  }

  #block(number: number): Built {
    const known = this.#blocks.get(number);
    if (known !== undefined) return known;
    const built = build(this.#history, number);
    this.#blocks.set(number, built);
    return built;
  }
}

/** A hash that ends with the block's number, so that the block is found by it. */
function blockHashOf(number: number): Hex {
  if (number < 0) return ZERO; // The parent of the first block.
  return `${hashOf(`block ${number}`).slice(0, 58)}${number.toString(16).padStart(8, "0")}` as Hex;
}

type Built = ReturnType<typeof build>;

function build(history: History, number: number) {
  const { deployment } = history;
  const blockHash = blockHashOf(number);
  const blockNumber = quantity(number);
  const content = history.transactionsOf(number);
  const transactions = content.map(({ from, contract, input }, index) => ({
    ...{ hash: hashOf(`transaction ${number} ${index}`), blockHash, blockNumber, input, from },
    ...{ to: deployment.contracts[contract], transactionIndex: quantity(index), nonce: "0x0" },
    ...{ value: "0x0", gas: "0x186a0", gasPrice: "0x1", type: "0x0", v: "0x1b", r: ZERO, s: ZERO },
  }));
  let logIndex = 0;
  const logsOf = content.map(({ logs }, index) =>
    logs.map(({ contract, topics, data }) => ({
      address: deployment.contracts[contract].toLowerCase(),
      ...{ topics, data, blockHash, blockNumber, transactionIndex: quantity(index) },
      ...{ transactionHash: transactions[index]?.hash ?? ZERO, removed: false },
      logIndex: quantity(logIndex++),
    })),
  );
  const receipts = transactions.map(({ hash, from, to, transactionIndex }, index) => ({
    ...{ transactionHash: hash, blockHash, blockNumber, transactionIndex, from, to },
    ...{ status: "0x1", gasUsed: "0x186a0", cumulativeGasUsed: "0x186a0", type: "0x0" },
    ...{ effectiveGasPrice: "0x1", contractAddress: null, logsBloom: BLOOM, logs: logsOf[index] },
  }));
  const block = {
    ...{ number: blockNumber, hash: blockHash, parentHash: blockHashOf(number - 1) },
    ...{ timestamp: quantity(history.timeOf(number)), logsBloom: BLOOM, miner: ZERO.slice(0, 42) },
    ...{ baseFeePerGas: "0x1", difficulty: "0x0", extraData: "0x", gasLimit: "0x1c9c380" },
    ...{ gasUsed: "0x0", mixHash: ZERO, nonce: "0x0000000000000000", receiptsRoot: ZERO },
    ...{ sha3Uncles: ZERO, size: "0x0", stateRoot: ZERO, totalDifficulty: "0x0" },
    ...{ transactionsRoot: ZERO, uncles: [] },
  };
  return { block, transactions, receipts, logs: logsOf.flat() };
}
