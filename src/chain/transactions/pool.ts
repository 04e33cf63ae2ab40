import { keccak256, type Hex, type LocalAccount, type TransactionReceipt } from "viem";
import type { Timers } from "../../node/timers.ts";
import type { ChainClient } from "../client.ts";
import type { Broadcast, Reception } from "./broadcast.ts";
import type { Fees, Market } from "./fees.ts";
import type { Flight } from "./flight.ts";

/** The fields of the newest block that sending needs. */
export interface Tip {
  number: bigint;
  /** Unix seconds. */
  timestamp: number;
  baseFee: bigint;
}

export interface PoolDependencies {
  account: LocalAccount;
  client: ChainClient;
  broadcast: Pick<Broadcast, "send">;
  timers: Pick<Timers, "monotonic">;
}

/** The nodes' knowledge of one key's transactions, and the sending of new ones. */
export class Pool {
  readonly #chainId: number;
  readonly #account: LocalAccount;
  readonly #client: ChainClient;
  readonly #broadcast: Pick<Broadcast, "send">;
  readonly #timers: Pick<Timers, "monotonic">;

  constructor(chainId: number, dependencies: PoolDependencies) {
    this.#chainId = chainId;
    this.#account = dependencies.account;
    this.#client = dependencies.client;
    this.#broadcast = dependencies.broadcast;
    this.#timers = dependencies.timers;
  }

  /** The newest block. */
  async tip(): Promise<Tip> {
    const { number, timestamp, baseFeePerGas } = await this.#client.getBlock();
    return { number, timestamp: Number(timestamp), baseFee: baseFeePerGas ?? 0n };
  }

  /** The price of gas at a block. */
  async market(tip: Tip): Promise<Market> {
    return { baseFee: tip.baseFee, tip: await this.#client.estimateMaxPriorityFeePerGas() };
  }

  /** The chain's next nonce. */
  count(): Promise<number> {
    return this.#client.getTransactionCount({ address: this.#account.address });
  }

  /** Whether the node has a pending transaction of this key. */
  async isWaiting(count: number): Promise<boolean> {
    const { address } = this.#account;
    return (await this.#client.getTransactionCount({ address, blockTag: "pending" })) > count;
  }

  /** The mined transaction of a nonce. */
  async receipt({ signed }: Flight): Promise<TransactionReceipt | undefined> {
    for (const { hash } of signed.toReversed()) {
      const receipt = await orNothing(
        this.#client.getTransactionReceipt({ hash }),
        "TransactionReceiptNotFoundError",
      );
      if (receipt !== undefined) return receipt;
    }
    return undefined;
  }

  /** Whether a node knows a transaction, pending or mined. */
  async knows(hash: Hex): Promise<boolean> {
    const found = this.#client.getTransaction({ hash });
    return (await orNothing(found, "TransactionNotFoundError")) !== undefined;
  }

  /** Whether a node knows one of a nonce's transactions. */
  async knowsOne({ signed }: Flight): Promise<boolean> {
    for (const { hash } of signed.toReversed()) if (await this.knows(hash)) return true;
    return false;
  }

  /**
   * Whether the block of a receipt is still in the chain. A missing receipt is no proof, because it may come later
   * than the block.
   *
   * @returns Undefined if the endpoint does not know the block yet.
   */
  async isStillMined(receipt: TransactionReceipt): Promise<boolean | undefined> {
    const { blockNumber, blockHash } = receipt;
    const block = await orNothing(this.#client.getBlock({ blockNumber }), "BlockNotFoundError");
    return block === undefined ? undefined : block.hash === blockHash;
  }

  /**
   * Signs and sends a transaction, and keeps it if a node may have accepted it. If all nodes refuse it, it is looked
   * up by its hash first.
   */
  async handOut(flight: Flight, fees: Fees, tip: Tip): Promise<Reception> {
    const { name: _, ...payload } = flight.payload;
    const raw = await this.#account.signTransaction({
      ...payload,
      ...fees,
      type: "eip1559",
      chainId: this.#chainId,
      nonce: flight.nonce,
    });
    const hash = keccak256(raw);
    const reception = await this.#received(hash, await this.#broadcast.send(raw));
    flight.seenTo = this.#timers.monotonic();
    flight.refusedFees = reception.kind === "underpriced" ? fees : undefined;
    flight.lastRefusal = reception.reason === "" ? undefined : reception.reason;
    if (reception.maybeTaken) {
      flight.signed.push({ hash, raw, fees });
      flight.sentAt = tip.number;
    }
    return reception;
  }

  /** Sends a transaction again. */
  async repeat(flight: Flight): Promise<Reception> {
    const { hash, raw } = flight.newest;
    return this.#received(hash, await this.#broadcast.send(raw));
  }

  async #received(hash: Hex, reception: Reception): Promise<Reception> {
    if (reception.kind !== "refused" || reception.maybeTaken) return reception;
    try {
      return (await this.knows(hash))
        ? { kind: "accepted", reason: "", maybeTaken: true }
        : reception;
    } catch {
      // The outcome is unknown, so the caller treats it as accepted.
      return { ...reception, kind: "doubtful", maybeTaken: true };
    }
  }
}

/** viem throws if a node returns null. */
async function orNothing<T>(found: Promise<T>, absence: string): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof Error && error.name === absence) return undefined;
    throw error;
  }
}
