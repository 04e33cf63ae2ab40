import {
  decodeFunctionResult,
  encodeFunctionData,
  numberToHex,
  type Abi,
  type Address,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type ContractFunctionReturnType,
  type Hex,
} from "viem";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import {
  readBlock,
  readHex,
  readLogs,
  readQuantity,
  readReceipt,
  readTransactions,
  type RawBlock,
  type RawLog,
  type RawReceipt,
  type RawTransaction,
} from "./raw.ts";
import type { Rpc } from "./rpc.ts";

/** Blocks of a log request; a node that refuses is asked for fewer. */
const LOG_SPAN = 10_000n;
/** Ranges that went well before a longer one is tried: each refusal costs a request. */
const PATIENCE = 8;
/** Requests at the same time. */
const AT_ONCE = 8;
/** Headers and whole blocks that are kept. */
const KEPT = 256;
const KEPT_WHOLE = 16;

/** Which logs: addresses, and topics as `eth_getLogs` takes them. */
export interface LogFilter {
  address: readonly Address[];
  topics: readonly (readonly Hex[] | null)[];
}

/** A chain by its raw JSON-RPC, with what was read last kept. */
export class Source {
  readonly #rpc: Rpc;
  readonly #signal: AbortSignal;
  readonly #blocks = new Map<bigint, RawBlock>();
  readonly #whole = new Map<bigint, readonly RawTransaction[]>();

  constructor(rpc: Rpc, signal: AbortSignal) {
    this.#rpc = rpc;
    this.#signal = signal;
  }

  async chainId(): Promise<number> {
    return Number(readQuantity(await this.#request("eth_chainId", [])));
  }

  async newest(): Promise<RawBlock> {
    return readBlock(await this.#request("eth_getBlockByNumber", ["latest", false]));
  }

  /** A block without its transactions; a fresh one is read again. */
  async block(number: bigint, { fresh = false } = {}): Promise<RawBlock> {
    const known = fresh ? undefined : this.#blocks.get(number);
    if (known !== undefined) return known;
    const answer = await this.#request("eth_getBlockByNumber", [numberToHex(number), false]);
    return keep(this.#blocks, number, sameNumber(readBlock(answer), number), KEPT);
  }

  /** The transactions of a block. */
  async transactions(number: bigint): Promise<readonly RawTransaction[]> {
    const known = this.#whole.get(number);
    if (known !== undefined) return known;
    const answer = await this.#request("eth_getBlockByNumber", [numberToHex(number), true]);
    const block = sameNumber(readBlock(answer), number);
    return keep(this.#whole, number, readTransactions(block.transactions), KEPT_WHOLE);
  }

  async receipt(hash: Hex): Promise<RawReceipt> {
    return readReceipt(await this.#request("eth_getTransactionReceipt", [hash]));
  }

  /** The first block from a moment on, between two blocks; undefined if the moment is after the last one. */
  async firstFrom(seconds: number, low: bigint, high: bigint): Promise<bigint | undefined> {
    if ((await this.block(high)).timestamp < seconds) return undefined;
    let [before, from] = [low - 1n, high];
    while (from - before > 1n) {
      const middle = (from + before) / 2n;
      if ((await this.block(middle)).timestamp < seconds) before = middle;
      else from = middle;
    }
    return from;
  }

  /** Logs of a range in order, one part of the range at a time; a part that a node refuses is halved. */
  async *logs(filter: LogFilter, from: bigint, to: bigint): AsyncGenerator<RawLog> {
    let span = LOG_SPAN;
    let wentWell = 0;
    while (from <= to) {
      const end = from + span - 1n < to ? from + span - 1n : to;
      const range = { fromBlock: numberToHex(from), toBlock: numberToHex(end) };
      let logs: RawLog[];
      try {
        logs = readLogs(await this.#request("eth_getLogs", [{ ...filter, ...range }]));
      } catch (error) {
        if (end === from || !mayBeTooLarge(error)) throw error;
        span = (end - from + 1n) / 2n;
        wentWell = 0;
        continue;
      }
      for (const log of logs.toSorted(inOrder)) {
        // A node that adds logs of other blocks or contracts is not believed.
        if (log.blockNumber >= from && log.blockNumber <= end && isAmong(filter.address, log))
          yield log;
      }
      from = end + 1n;
      wentWell += 1;
      if (wentWell % PATIENCE === 0 && span < LOG_SPAN) span *= 2n;
    }
  }

  /** What a view answers at a block. */
  async read<const A extends Abi, F extends ContractFunctionName<A, "view" | "pure">>(
    contract: { address: Address; abi: A },
    functionName: F,
    args: ContractFunctionArgs<A, "view" | "pure", F>,
    block: bigint,
  ): Promise<ContractFunctionReturnType<A, "view" | "pure", F>> {
    const abi: Abi = contract.abi;
    const name: string = functionName;
    const data = encodeFunctionData({ abi, functionName: name, args: args as readonly unknown[] });
    const call = { to: contract.address, data };
    const answer = readHex(await this.#request("eth_call", [call, numberToHex(block)]));
    try {
      const result = decodeFunctionResult({ abi, functionName: name, data: answer });
      return result as ContractFunctionReturnType<A, "view" | "pure", F>;
    } catch (cause) {
      throw new BlockcloudError(
        "RPC_MALFORMED",
        `The node's answer to ${name} is no result of it.`,
        {
          cause,
          remedy: "Use another RPC endpoint.",
        },
      );
    }
  }

  /** Does something for each item, some at the same time, and returns the results in order. */
  async each<T, R>(items: readonly T[], read: (item: T) => Promise<R>): Promise<R[]> {
    const results: R[] = [];
    for (let next = 0; next < items.length; next += AT_ONCE) {
      results.push(...(await Promise.all(items.slice(next, next + AT_ONCE).map(read))));
    }
    return results;
  }

  #request(method: string, params: readonly unknown[]): Promise<unknown> {
    this.#signal.throwIfAborted();
    return this.#rpc(method, params);
  }
}

function inOrder(a: RawLog, b: RawLog): number {
  if (a.blockNumber !== b.blockNumber) return a.blockNumber < b.blockNumber ? -1 : 1;
  return a.logIndex - b.logIndex;
}

function isAmong(addresses: readonly Address[], { address }: RawLog): boolean {
  return addresses.some((each) => each.toLowerCase() === address);
}

/** Nodes have no common code for it; an endpoint that does not answer is no reason to ask for less. */
function mayBeTooLarge(error: unknown): boolean {
  return error instanceof BlockcloudError && ["RPC_REFUSED", "RPC_TOO_LONG"].includes(error.code);
}

function sameNumber(block: RawBlock, number: bigint): RawBlock {
  if (block.number === number) return block;
  throw new BlockcloudError("RPC_MALFORMED", `The node sent block ${block.number} for ${number}.`, {
    remedy: "Use another RPC endpoint.",
  });
}

function keep<V>(kept: Map<bigint, V>, number: bigint, value: V, most: number): V {
  kept.set(number, value);
  const [oldest] = kept.keys();
  if (kept.size > most && oldest !== undefined) kept.delete(oldest);
  return value;
}
