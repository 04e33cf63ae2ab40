import { parseEventLogs, type Abi, type AbiEvent, type Address, type Hex } from "viem";
import type { ChainClient } from "../../../../src/chain/client.ts";
import type { Deployment } from "../../../../src/chain/deployment.ts";
import { abis } from "../../../../src/protocol/abis.ts";

export type ContractName = keyof typeof abis;
/** A column's value, before it is shown as GraphQL shows it. */
export type Row = Record<string, unknown>;
export type Tables = Record<string, Row[]>;

/** An epoch in which every change counts. */
export const FAR = 2 ** 32 - 1;
const ZERO_ADDRESS = `0x${"0".repeat(40)}`;
/** Requests that are under way at the same time. */
const SLICE = 64;

interface Place {
  block: bigint;
  time: bigint;
  logIndex: number;
  hash: Hex;
  from: Address;
  input: Hex;
  gasUsed: bigint;
  gasPrice: bigint;
}

/** An event with the block, the transaction and the receipt that it is in. Addresses are in lower case. */
export class Fact implements Place {
  declare readonly block: bigint;
  declare readonly time: bigint;
  declare readonly logIndex: number;
  declare readonly hash: Hex;
  declare readonly from: Address;
  declare readonly input: Hex;
  declare readonly gasUsed: bigint;
  declare readonly gasPrice: bigint;
  readonly name: string;
  readonly #args: Row;

  constructor(name: string, args: Row, place: Place) {
    this.name = name;
    this.#args = args;
    Object.assign(this, place);
  }

  /** Its place in the order of all events, as a text. */
  get id(): string {
    return `${String(this.block).padStart(12, "0")}-${String(this.logIndex).padStart(6, "0")}`;
  }

  get place(): Row {
    return { time: this.time, block: this.block, transaction: this.hash };
  }

  big(name: string): bigint {
    return BigInt(this.#args[name] as bigint | number);
  }

  int(name: string): number {
    return Number(this.#args[name]);
  }

  text(name: string): string {
    return this.#args[name] as string;
  }

  flag(name: string): boolean {
    return this.#args[name] as boolean;
  }

  /** The service that the 32-byte ID in `service` is of: its first 8 bytes. */
  get served(): bigint {
    return BigInt(this.text("service").slice(0, 18));
  }
}

/** Everything that a chain's nodes say of a deployment up to a block: events, calldata, receipts, and views. */
export class RawChain {
  readonly facts: readonly Fact[];
  readonly head: bigint;
  readonly genesis: bigint;
  readonly epochSeconds: bigint;
  readonly #client: ChainClient;
  readonly #deployment: Deployment;

  private constructor(parts: {
    client: ChainClient;
    deployment: Deployment;
    facts: readonly Fact[];
    head: bigint;
    timing: readonly [bigint, bigint];
  }) {
    this.#client = parts.client;
    this.#deployment = parts.deployment;
    this.facts = parts.facts;
    this.head = parts.head;
    [this.genesis, this.epochSeconds] = parts.timing;
  }

  static async read(client: ChainClient, deployment: Deployment): Promise<RawChain> {
    const head = await client.getBlockNumber();
    const registry = { address: deployment.contracts.registry, abi: abis.registry } as const;
    const timing = [
      await client.readContract({ ...registry, functionName: "genesis" }),
      BigInt(await client.readContract({ ...registry, functionName: "epochSeconds" })),
    ] as const;
    const facts = await factsOf(client, deployment, head);
    return new RawChain({ client, deployment, facts, head, timing });
  }

  get chainId(): number {
    return this.#deployment.chainId;
  }

  get registry(): Address {
    return this.#deployment.contracts.registry;
  }

  /** The events with one of these names, as `contract.Event`, in their order. */
  all(...names: string[]): Fact[] {
    return this.facts.filter(({ name }) => names.includes(name));
  }

  epochOf({ time }: { time: bigint }): number {
    return Number((time - this.genesis) / this.epochSeconds);
  }

  /** What a contract says after a block. */
  async view<T>(
    contract: ContractName,
    functionName: string,
    args: readonly unknown[] = [],
    blockNumber: bigint = this.head,
  ): Promise<T> {
    const abi: Abi = abis[contract];
    const address = this.#deployment.contracts[contract];
    return (await this.#client.readContract({
      ...{ address, abi, functionName, args, blockNumber },
    })) as T;
  }

  /** A block after which nothing can change what is known of an audited epoch's votes. */
  finalBlock(epoch: number): bigint {
    const end = this.genesis + BigInt(epoch + 2) * this.epochSeconds;
    return this.facts.findLast(({ time }) => time < end)!.block;
  }
}

/** The sum of a parameter of some events. */
export function sumOf(facts: readonly Fact[], name: string): bigint {
  return facts.reduce((sum, fact) => sum + fact.big(name), 0n);
}

/** The different values that some events have, in the order in which they first come. */
export function distinct<T>(facts: readonly Fact[], value: (fact: Fact) => T): T[] {
  return [...new Set(facts.map(value))];
}

/** An address, or null for the zero address. */
export function orNull(address: string): string | null {
  return address === ZERO_ADDRESS ? null : address.toLowerCase();
}

/** Fails where two sources on the chain do not say the same. */
export function same<T>(what: string, one: T, other: T): T {
  if (one !== other) {
    throw new Error(`The recount itself is wrong: ${what}: ${String(one)} and ${String(other)}.`);
  }
  return one;
}

async function factsOf(
  client: ChainClient,
  { block, contracts }: Deployment,
  head: bigint,
): Promise<Fact[]> {
  const logs = await client.getLogs({ fromBlock: BigInt(block), toBlock: head });
  const numbers = logs.map(({ blockNumber }) => blockNumber);
  const hashes = logs.map(({ transactionHash }) => transactionHash);
  const blocks = await each(numbers, (blockNumber) => client.getBlock({ blockNumber }));
  const sent = await each(hashes, (hash) => client.getTransaction({ hash }));
  const receipts = await each(hashes, (hash) => client.getTransactionReceipt({ hash }));
  const facts = (Object.keys(abis) as ContractName[]).flatMap((contract) => {
    const abi: Abi = abis[contract];
    const address = contracts[contract].toLowerCase();
    const own = logs.filter((log) => log.address.toLowerCase() === address);
    return parseEventLogs({ abi, logs: own }).map((log) => {
      const { eventName, args } = log as unknown as { eventName: string; args: Row };
      const { gasUsed, effectiveGasPrice: gasPrice } = receipts.get(log.transactionHash)!;
      const { from, input } = sent.get(log.transactionHash)!;
      const event = abi.find((item): item is AbiEvent => "name" in item && item.name === eventName);
      const place = {
        ...{ block: log.blockNumber, time: blocks.get(log.blockNumber)!.timestamp },
        ...{ logIndex: log.logIndex, hash: log.transactionHash, gasUsed, gasPrice },
        ...{ from: from.toLowerCase() as Address, input },
      };
      return new Fact(`${contract}.${eventName}`, plainArgs(event!, args), place);
    });
  });
  return facts.sort((one, other) => (one.id < other.id ? -1 : 1));
}

/** Asks once for each different value. */
async function each<K, T>(given: readonly K[], ask: (value: K) => Promise<T>): Promise<Map<K, T>> {
  const values = [...new Set(given)];
  const answers = new Map<K, T>();
  for (let next = 0; next < values.length; next += SLICE) {
    const slice = values.slice(next, next + SLICE);
    const found = await Promise.all(slice.map(ask));
    slice.forEach((value, index) => answers.set(value, found[index]!));
  }
  return answers;
}

function plainArgs(event: AbiEvent, args: Row): Row {
  return Object.fromEntries(
    event.inputs.map(({ name = "", type }) => {
      const value = args[name];
      return [name, type === "address" ? (value as string).toLowerCase() : value];
    }),
  );
}
