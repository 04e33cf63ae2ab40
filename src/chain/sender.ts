import {
  encodeFunctionData,
  type Abi,
  type Address,
  type Hex,
  type TransactionReceipt,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import type { Logger } from "../node/logger.ts";
import { systemTimers, type Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { Broadcast } from "./broadcast.ts";
import type { ChainClient } from "./client.ts";
import { gasPrice, type FeePolicy } from "./fees.ts";
import type { Flight, Payload } from "./flight.ts";
import type { TransactionObserver } from "./metrics.ts";
import { Outbox, type Hindrance, type Tip } from "./outbox.ts";
import { describeRevert } from "./revert.ts";

/** EIP-7825: the most gas that one transaction may have. */
const MAX_TRANSACTION_GAS = 16_777_216n;
/** How long a call without a deadline may wait for its price, or for its block, milliseconds. */
const PATIENCE_MS = 120_000;

/** A contract call to send. */
export interface Call {
  address: Address;
  abi: Abi;
  functionName: string;
  args: readonly unknown[];
}

export interface TransactionSenderOptions {
  /** The preferred RPC endpoint, then those that stand in for it; transactions go to all of them. */
  rpcUrls: readonly string[];
  chainId: number;
  /** Signs and pays. */
  key: Hex;
  fees?: FeePolicy | undefined;
}

export interface TransactionSenderDependencies {
  client: ChainClient;
  log: Logger;
  timers?: Timers | undefined;
  observer?: TransactionObserver | undefined;
}

/** How a call is to be sent. */
export interface SendOptions {
  /** Gives up waiting; what was sent may still be mined. */
  signal?: AbortSignal | undefined;
  /** Chain time after which the call is of no use, Unix seconds: it is not replaced any more. */
  deadline?: number | undefined;
  /** Goes out at once, past others that wait, and pays up to the policy's limit for such calls. */
  urgent?: boolean | undefined;
}

/**
 * Sends transactions from one key. A call that would revert is found out by estimation and costs nothing.
 * Calls go out one after the other, urgent ones at once; what is stuck is replaced by one that pays more.
 * After any doubt the chain is asked what was mined, by hash and nonce.
 *
 * A receipt says that the call is in a block, not that it stays there: whoever depends on it looks at the
 * contract's state again.
 */
export class TransactionSender {
  readonly address: Address;
  readonly #fees: FeePolicy;
  readonly #outbox: Outbox;
  readonly #client: ChainClient;
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #observer: TransactionObserver | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #seen: { tip: Tip; at: number } | undefined;

  constructor(options: TransactionSenderOptions, dependencies: TransactionSenderDependencies) {
    const account = privateKeyToAccount(options.key);
    const { client, log, timers = systemTimers, observer } = dependencies;
    this.address = account.address;
    this.#fees = options.fees ?? {};
    this.#client = client;
    this.#timers = timers;
    this.#log = log;
    this.#observer = observer;
    const broadcast = new Broadcast(options.rpcUrls);
    this.#outbox = new Outbox(
      { fees: this.#fees, chainId: options.chainId },
      { account, client, broadcast, timers, log },
    );
  }

  /**
   * Sends a call and waits until it is in a block.
   *
   * @throws BlockcloudError `CALL_REVERTED` with the contract's own error, before anything was sent;
   * `TRANSACTION_REVERTED` when it failed in its block all the same; `FEE_TOO_HIGH` when the limit did not
   * allow it in time; `TRANSACTION_EXPIRED` when the deadline passed; `TRANSACTION_REPLACED` when another
   * transaction took its nonce; `TRANSACTION_FAILED` otherwise.
   */
  send(call: Call, options: SendOptions = {}): Promise<TransactionReceipt> {
    const turn =
      options.urgent === true
        ? this.#send(call, options)
        : this.#queue.then(() => this.#send(call, options));
    turn.catch((error: unknown) => this.#observer?.failed(call, error));
    if (options.urgent === true) return turn;
    // The next in line must not fail for this one's error, which its own caller gets.
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** What gas costs now, tip included, wei. */
  async gasPrice(): Promise<bigint> {
    return gasPrice(await this.#outbox.market(await this.#outbox.tip()), this.#fees);
  }

  /** Whether a call that is not urgent would go out now. */
  async isAffordable(): Promise<boolean> {
    const limit = this.#fees.maxFeePerGas;
    return limit === undefined || (await this.gasPrice()) <= limit;
  }

  async #send(call: Call, options: SendOptions): Promise<TransactionReceipt> {
    const { functionName } = call;
    const started = this.#timers.monotonic();
    for (;;) {
      options.signal?.throwIfAborted();
      const launched = await this.#launch(call, options.urgent === true);
      if (typeof launched !== "string") {
        this.#log.debug("transaction sent", { functionName, hash: launched.newest.hash });
        return this.#take(functionName, await this.#wait(launched, options));
      }
      if (launched !== "spent") {
        this.#see(await this.#outbox.tip());
        this.#checkTime(functionName, options, started, launched);
      }
      await this.#pause(options.signal);
    }
  }

  /** Estimated anew each time: another transaction may have done meanwhile what the call would do. */
  async #launch(call: Call, urgent: boolean): Promise<Flight | Hindrance> {
    const { address: to, functionName: name } = call;
    let payload: Payload;
    let looked: number;
    try {
      // First, so that a transaction of before a restart that is mined in between does not go unseen.
      looked = await this.#outbox.count();
      const estimate = await this.#estimate(call, looked);
      // A tenth more: tallies and ring entries may be colder in the block than in the estimate.
      const padded = (estimate * 11n) / 10n + 30_000n;
      const gas = padded > MAX_TRANSACTION_GAS ? MAX_TRANSACTION_GAS : padded;
      payload = { name, to, data: encodeFunctionData(call), gas };
    } catch (cause) {
      throw describeRevert(name, cause);
    }
    try {
      return await this.#outbox.launch(payload, urgent, looked);
    } catch (cause) {
      throw cause instanceof BlockcloudError ? cause : describeRevert(name, cause);
    }
  }

  async #estimate(call: Call, looked: number): Promise<bigint> {
    const asked = { ...call, account: this.address };
    try {
      return await this.#client.estimateContractGas(asked);
    } catch (error) {
      // Some nodes reckon with the pending block: what waits there may be the same call, of before a
      // restart, and stuck.
      if (!(await this.#outbox.isWaiting(looked))) throw error;
      return await this.#client.estimateContractGas({ ...asked, blockTag: "latest" });
    }
  }

  async #wait(flight: Flight, options: SendOptions): Promise<TransactionReceipt> {
    const started = this.#timers.monotonic();
    try {
      for (;;) {
        try {
          this.#see(await this.#outbox.tend());
        } catch (error) {
          this.#log.warn("cannot look after a transaction, trying again", { error });
        }
        const { outcome } = flight;
        if (outcome instanceof BlockcloudError) throw outcome;
        if (outcome !== undefined) return outcome;
        this.#checkTime(flight.payload.name, options, started, flight);
        await this.#pause(options.signal);
      }
    } finally {
      flight.isWanted = false;
    }
  }

  #take(functionName: string, receipt: TransactionReceipt): TransactionReceipt {
    const { gasUsed, blockNumber, transactionHash: hash } = receipt;
    const reverted = receipt.status === "reverted";
    this.#log.debug("transaction mined", { functionName, hash, gasUsed, blockNumber });
    this.#observer?.mined({ functionName }, receipt);
    if (!reverted) return receipt;
    throw new BlockcloudError("TRANSACTION_REVERTED", `${functionName} reverted in ${hash}.`, {
      retryable: true,
      remedy: "The chain's state changed between estimate and block; try again.",
    });
  }

  /** @throws BlockcloudError when there is no time left to wait. */
  #checkTime(
    functionName: string,
    { deadline }: SendOptions,
    started: number,
    why: Hindrance | Flight,
  ): void {
    const now = this.#timers.monotonic();
    if (deadline !== undefined) {
      const seen = this.#seen;
      // Carried on by the timer, for an endpoint that has gone silent must not stop the clock.
      if (seen === undefined || seen.tip.timestamp + (now - seen.at) / 1000 <= deadline) return;
      throw new BlockcloudError(
        "TRANSACTION_EXPIRED",
        `${functionName} came into no block in time.`,
      );
    }
    if (now < started + PATIENCE_MS) return;
    if (why === "expensive") {
      throw new BlockcloudError(
        "FEE_TOO_HIGH",
        `Gas costs more than the limit for ${functionName}.`,
        {
          retryable: true,
          remedy: "Wait, or raise the limit.",
        },
      );
    }
    const what =
      typeof why === "string"
        ? "cannot be sent"
        : `was sent, but ${why.newest.hash} is in no block`;
    throw new BlockcloudError("TRANSACTION_FAILED", `${functionName} ${what}.`, {
      retryable: true,
      remedy: "Check the gas price, its limit and the RPC endpoint.",
    });
  }

  #see(tip: Tip): void {
    this.#seen = { tip, at: this.#timers.monotonic() };
  }

  #pause(signal: AbortSignal | undefined): Promise<void> {
    return this.#timers.sleep(this.#client.pollingInterval, signal ?? never);
  }
}

const never = new AbortController().signal;
