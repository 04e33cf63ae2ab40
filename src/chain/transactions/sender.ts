import { encodeFunctionData, type Address, type Hex, type TransactionReceipt } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import type { Logger } from "../../node/logger.ts";
import { systemTimers, type Timers } from "../../node/timers.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { Broadcast } from "./broadcast.ts";
import type { ChainClient } from "../client.ts";
import { gasLimit, isOutOfGas } from "./gas.ts";
import { gasPrice, type FeePolicy } from "./fees.ts";
import type { Flight, Payload } from "./flight.ts";
import type { Call } from "./call.ts";
import type { TransactionObserver } from "./observer.ts";
import { Outbox, type Hindrance } from "./outbox.ts";
import type { Tip } from "./pool.ts";
import { describeRevert } from "./revert.ts";

/** How long a call without a deadline may wait for its price, or for its block, milliseconds. */
const PATIENCE_MS = 120_000;
/** Longest pause between two looks at what is under way, milliseconds; it grows up to it. */
const MOST_PAUSE_MS = 4_000;
/** A second look within a block's time costs requests and shows nothing: looks in the time of a block. */
const LOOKS_A_BLOCK = 6;

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
  #seen: Tip | undefined;
  /** Seconds between the last two blocks that were seen. */
  #spacing = 0;

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
   * transaction took its nonce; `NONCE_STALE` when the endpoint does not say which nonce is next;
   * `TRANSACTION_FAILED` otherwise.
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
    const { pool } = this.#outbox;
    return gasPrice(await pool.market(await pool.tip()), this.#fees);
  }

  /** Whether a call that is not urgent would go out now. */
  async isAffordable(): Promise<boolean> {
    const limit = this.#fees.maxFeePerGas;
    return limit === undefined || (await this.gasPrice()) <= limit;
  }

  async #send(call: Call, options: SendOptions): Promise<TransactionReceipt> {
    const { functionName } = call;
    const started = this.#timers.monotonic();
    for (let tries = 0; ; tries++) {
      options.signal?.throwIfAborted();
      const launched = await this.#launch(call, options.urgent === true);
      if (typeof launched !== "string") {
        this.#log.debug("transaction sent", { functionName, hash: launched.newest.hash });
        return this.#take(launched.payload, await this.#wait(launched, options));
      }
      this.#see(await this.#outbox.pool.tip());
      this.#checkTime(functionName, options, started, launched);
      // Once is an overtaken nonce, as restarts have it; more than that is an endpoint that is behind.
      if (launched === "spent" && tries === 1)
        this.#log.warn("the endpoint's next nonce is used already, waiting", { functionName });
      await this.#pause(options.signal, tries);
    }
  }

  /** Estimated anew each time: another transaction may have done meanwhile what the call would do. */
  async #launch(call: Call, urgent: boolean): Promise<Flight | Hindrance> {
    const { address: to, functionName: name } = call;
    let payload: Payload;
    let looked: number;
    try {
      // First, so that a transaction of before a restart that is mined in between does not go unseen.
      looked = await this.#outbox.pool.count();
      const gas = gasLimit(await this.#estimate(call, looked));
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
      if (!(await this.#outbox.pool.isWaiting(looked))) throw error;
      return await this.#client.estimateContractGas({ ...asked, blockTag: "latest" });
    }
  }

  async #wait(flight: Flight, options: SendOptions): Promise<TransactionReceipt> {
    const started = this.#timers.monotonic();
    let failures = 0;
    try {
      for (let looks = 0; ; looks++) {
        try {
          this.#see(await this.#outbox.tend());
          failures = 0;
        } catch (error) {
          failures += 1;
          const message = "cannot look after a transaction, trying again";
          this.#log[failures === 1 ? "warn" : "debug"](message, { error });
        }
        const { outcome } = flight;
        if (outcome instanceof BlockcloudError) throw outcome;
        if (outcome !== undefined) return outcome;
        this.#checkTime(flight.payload.name, options, started, flight);
        await this.#pause(options.signal, looks);
      }
    } finally {
      flight.isWanted = false;
    }
  }

  #take({ name: functionName, gas }: Payload, receipt: TransactionReceipt): TransactionReceipt {
    const { gasUsed, blockNumber, transactionHash: hash } = receipt;
    const reverted = receipt.status === "reverted";
    this.#log.debug("transaction mined", { functionName, hash, gasUsed, blockNumber });
    this.#observer?.mined({ functionName }, receipt);
    if (!reverted) return receipt;
    const why = isOutOfGas(gasUsed, gas)
      ? `It seems to have run out of gas: ${gasUsed} of ${gas} were used; try again.`
      : "The chain's state changed between estimate and block; try again.";
    throw new BlockcloudError("TRANSACTION_REVERTED", `${functionName} reverted in ${hash}.`, {
      retryable: true,
      remedy: why,
    });
  }

  /**
   * A deadline has passed when a block says so. A chain that stands still goes on from where it stood, and an
   * endpoint that has gone silent says nothing of the time.
   *
   * @throws BlockcloudError when there is no time left to wait.
   */
  #checkTime(
    functionName: string,
    { deadline }: SendOptions,
    started: number,
    why: Hindrance | Flight,
  ): void {
    if (deadline !== undefined) {
      if (this.#seen === undefined || this.#seen.timestamp <= deadline) return;
      throw new BlockcloudError(
        "TRANSACTION_EXPIRED",
        `${functionName} came into no block in time.`,
      );
    }
    if (this.#timers.monotonic() >= started + PATIENCE_MS) throw outOfPatience(functionName, why);
  }

  #see(tip: Tip): void {
    const last = this.#seen;
    if (last !== undefined && tip.number > last.number) {
      this.#spacing = (tip.timestamp - last.timestamp) / Number(tip.number - last.number);
    }
    this.#seen = tip;
  }

  /** Short at first, for chains of fast blocks; then a part of the time that a block takes here. */
  #pause(signal: AbortSignal | undefined, looks: number): Promise<void> {
    const { pollingInterval } = this.#client;
    const longest = Math.min(MOST_PAUSE_MS, (this.#spacing * 1000) / LOOKS_A_BLOCK);
    const pause = Math.min(pollingInterval * 2 ** looks, Math.max(pollingInterval, longest));
    return this.#timers.sleep(pause, signal ?? never);
  }
}

const never = new AbortController().signal;

function outOfPatience(functionName: string, why: Hindrance | Flight): BlockcloudError {
  if (why === "expensive") {
    const message = `Gas costs more than the limit for ${functionName}.`;
    const remedy = "Wait, or raise the limit.";
    return new BlockcloudError("FEE_TOO_HIGH", message, { retryable: true, remedy });
  }
  if (why === "spent") {
    return new BlockcloudError(
      "NONCE_STALE",
      `${functionName} cannot be sent: the key's next nonce, as the RPC endpoint tells it, is used.`,
      {
        retryable: true,
        remedy: "The endpoint is behind: name another. Let no other program use the key.",
      },
    );
  }
  const what =
    typeof why === "string" ? "cannot be sent" : `was sent, but ${why.newest.hash} is in no block`;
  const said = typeof why === "string" ? undefined : why.lastRefusal;
  const words = said === undefined ? "" : ` (the node says: ${said})`;
  return new BlockcloudError("TRANSACTION_FAILED", `${functionName} ${what}${words}.`, {
    retryable: true,
    remedy: "Check the gas price, its limit and the RPC endpoint.",
  });
}
