import {
  createPublicClient,
  custom,
  decodeFunctionData,
  encodeAbiParameters,
  encodeErrorResult,
  encodeEventTopics,
  encodeFunctionResult,
  numberToHex,
  toEventHash,
  type Abi,
  type AbiEvent,
  type Address,
  type Hex,
} from "viem";
import { describeChain, type ChainClient } from "../../src/chain/client.ts";
import { errorOf } from "../../src/chain/rpc/faults.ts";
import type { Deployment } from "../../src/chain/deployment.ts";
import type { SendOptions, TransactionSender } from "../../src/chain/transactions/sender.ts";
import type { Call } from "../../src/chain/transactions/call.ts";
import { cashierAbi } from "../../src/protocol/abi/cashier.ts";
import { challengeBookAbi } from "../../src/protocol/abi/challengeBook.ts";
import { proofOfServiceAbi } from "../../src/protocol/abi/proofOfService.ts";
import { serviceLabelsAbi } from "../../src/protocol/abi/serviceLabels.ts";
import { serviceRegistryAbi } from "../../src/protocol/abi/serviceRegistry.ts";
import { settlementAbi } from "../../src/protocol/abi/settlement.ts";
import { stakingAbi } from "../../src/protocol/abi/staking.ts";
import { ZERO_HASH } from "../../src/protocol/bytes.ts";

const abi = [
  ...serviceRegistryAbi,
  ...stakingAbi,
  ...proofOfServiceAbi,
  ...settlementAbi,
  ...challengeBookAbi,
  ...serviceLabelsAbi,
  ...settlementAbi,
  ...cashierAbi,
] as Abi;

/** A deployment that is nowhere. */
export const DEPLOYMENT: Deployment = {
  chainId: 31_337,
  block: 1,
  genesis: 1_700_000_000,
  epochSeconds: 100,
  confirmations: 1,
  contracts: {
    token: `0x${"a1".repeat(20)}`,
    rewardPool: `0x${"a2".repeat(20)}`,
    registry: `0x${"a3".repeat(20)}`,
    staking: `0x${"a4".repeat(20)}`,
    proofOfService: `0x${"a5".repeat(20)}`,
    challengeBook: `0x${"a6".repeat(20)}`,
    labels: `0x${"a7".repeat(20)}`,
    cashier: `0x${"c5".repeat(20)}`,
    settlement: `0x${"a8".repeat(20)}`,
  },
};

/** Thrown by an answer: the contract's own error. */
export class FakeRevert extends Error {
  readonly data: Hex;

  constructor(errorName: string, args: readonly unknown[] = []) {
    super(errorName);
    this.data = encodeErrorResult({ abi, errorName, args });
  }
}

export interface FakeLog {
  block: number;
  /** Of the block, where a test replaces one. */
  hash?: Hex;
  transaction?: Hex;
  eventName: string;
  args: Record<string, unknown>;
}

/* eslint-disable-next-line @typescript-eslint/no-explicit-any -- as many kinds as the ABIs have functions */
type Answer = (...args: any[]) => unknown;

/** A node that answers calls by function name and serves the logs that it is given. */
export class FakeChain {
  readonly client: ChainClient;
  /** By the contract's function. */
  readonly answers: Record<string, Answer> = {};
  /** What a transaction would meet; none: it would succeed. */
  readonly estimates: Record<string, Answer> = {};
  readonly logs: FakeLog[] = [];
  /** Inputs of transactions, by hash. */
  readonly transactions: Record<Hex, () => Hex> = {};
  /** By `latest` or number in hex; a function may throw. */
  block: (tag: string) => unknown = () => null;
  code: Hex = "0x60";
  chainId: number = DEPLOYMENT.chainId;
  /** Called when a request was answered, before the answer arrives; may hold it up, or throw. */
  arrive: (method: string) => Promise<void> | void = () => {};
  /** Every request, as it came. */
  readonly requests: { method: string; params: unknown }[] = [];

  constructor() {
    this.client = createPublicClient({
      chain: describeChain(DEPLOYMENT.chainId),
      transport: custom(
        {
          request: async (asked: { method: string; params?: unknown }) => {
            const answer = this.#answer(asked);
            await this.arrive(asked.method);
            return answer;
          },
        },
        { retryCount: 0 },
      ),
      cacheTime: 0,
    });
  }

  /** How often a method was asked for. */
  asked(method: string): number {
    return this.requests.filter((request) => request.method === method).length;
  }

  #answer({ method, params = [] }: { method: string; params?: unknown }): unknown {
    this.requests.push({ method, params });
    const [first] = params as [never];
    switch (method) {
      case "eth_chainId":
        return numberToHex(this.chainId);
      case "eth_getCode":
        return this.code;
      case "eth_getBlockByNumber":
        return this.block(first);
      case "eth_getLogs":
        return this.#getLogs(first);
      case "eth_getTransactionByHash":
        return { hash: first, input: this.transactions[first]?.(), nonce: "0x0", type: "0x2" };
      case "eth_call":
        return this.#call(first, this.answers, true);
      case "eth_estimateGas":
        this.#call(first, this.estimates, false);
        return "0x5208";
      default:
        throw new Error(`This node does not know ${method}.`);
    }
  }

  #call({ data }: { data: Hex }, answers: Record<string, Answer>, required: boolean): unknown {
    const { functionName, args = [] } = decodeFunctionData({ abi, data });
    const answer = answers[functionName];
    if (answer === undefined && required) throw new Error(`No answer for ${functionName}.`);
    try {
      const result = answer?.(...args);
      return required ? encodeFunctionResult({ abi, functionName, result }) : undefined;
    } catch (error) {
      if (!(error instanceof FakeRevert)) throw error;
      throw errorOf({ code: 3, message: "execution reverted", data: error.data });
    }
  }

  #getLogs(filter: {
    topics: readonly (Hex | readonly Hex[] | null)[];
    fromBlock: Hex;
    toBlock?: Hex;
  }): unknown[] {
    const [from, to] = [Number(filter.fromBlock), Number(filter.toBlock ?? Infinity)];
    return this.logs
      .map((log, index) => ({ ...encodeLog(log, index), at: log.block }))
      .filter(({ at }) => at >= from && at <= to)
      .map(({ at: _, ...log }) => log)
      .filter(({ topics }) =>
        filter.topics.every(
          (wanted, index) => wanted === null || [wanted].flat().includes(topics[index]!),
        ),
      );
  }
}

/** A log as a node gives it. */
export function encodeLog(log: FakeLog, index = 0) {
  const { block, hash = ZERO_HASH, transaction = ZERO_HASH, eventName, args } = log;
  const event = abi.find(
    (item): item is AbiEvent => item.type === "event" && item.name === eventName,
  )!;
  const plain = event.inputs.filter(({ indexed }) => indexed !== true);
  const topics = encodeEventTopics({ abi: [event], eventName, args }) as Hex[];
  return {
    address: ownerOf(event),
    topics,
    data: encodeAbiParameters(
      plain,
      plain.map(({ name }) => args[name!]),
    ),
    blockNumber: numberToHex(block),
    blockHash: hash,
    transactionHash: transaction,
    transactionIndex: "0x0",
    logIndex: numberToHex(index),
    removed: false,
  };
}

function ownerOf(event: AbiEvent): Address {
  const { registry, proofOfService, challengeBook, cashier } = DEPLOYMENT.contracts;
  const hash = toEventHash(event);
  const declares = (candidates: Abi) =>
    candidates.some((item) => item.type === "event" && toEventHash(item) === hash);
  if (declares(serviceRegistryAbi)) return registry;
  if (declares(cashierAbi)) return cashier;
  return declares(challengeBookAbi) ? challengeBook : proofOfService;
}

/** Takes transactions and notes them; `onSend` may throw, or give the events that they leave. */
export class FakeSender {
  readonly address: Address = `0x${"b1".repeat(20)}`;
  readonly sent: Call[] = [];
  /** What gas costs, and whether that is within the limit. */
  price = 0n;
  affordable = true;
  /** How each call was to be sent. */
  readonly options: SendOptions[] = [];
  onSend: (call: Call) => FakeLog[] | Promise<FakeLog[]> = () => [];

  isAffordable(): Promise<boolean> {
    return Promise.resolve(this.affordable);
  }

  gasPrice(): Promise<bigint> {
    return Promise.resolve(this.price);
  }

  async send(call: Call, options: SendOptions = {}): Promise<unknown> {
    this.sent.push(call);
    this.options.push(options);
    const logs = await this.onSend(call);
    return { status: "success", transactionHash: ZERO_HASH, logs: logs.map(encodeLog) };
  }

  /** Names of the functions called, in order. */
  get names(): string[] {
    return this.sent.map(({ functionName }) => functionName);
  }

  /** In the place of the real one, whose private fields no other class can have. */
  get asSender(): TransactionSender {
    return this as unknown as TransactionSender;
  }
}
