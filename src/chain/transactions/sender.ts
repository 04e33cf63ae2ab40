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
import type { Call, EtherTransfer } from "./call.ts";
import type { TransactionObserver } from "./observer.ts";
import { Outbox, type Hindrance } from "./outbox.ts";
import type { Tip } from "./pool.ts";
import { describeRevert } from "./revert.ts";

/** Maximum wait of a call without a deadline for its price, or for its block, milliseconds. */
const PATIENCE_MS = 120_000;
/** Longest pause between checks of pending transactions, milliseconds; the pause grows up to it. */
const MOST_PAUSE_MS = 4_000;
/** The same while no new block was seen: the chain stands still, or makes a block for each transaction. */
const BLIND_PAUSE_MS = 1_000;
/** Number of checks per block time: more checks cost requests and show nothing new. */
const LOOKS_A_BLOCK = 6;

export interface TransactionSenderOptions {
  /** The preferred RPC endpoint, then its fallbacks; transactions are sent to all of them. */
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

/** Options for sending a call. */
export interface SendOptions {
  /** Stops waiting; a sent transaction may still be mined. */
  signal?: AbortSignal | undefined;
  /** Chain time after which the call is useless and not replaced any more, Unix seconds. */
  deadline?: number | undefined;
  /** Is sent at once, before waiting calls, and may pay up to the policy's limit for urgent calls. */
  urgent?: boolean | undefined;
  /** A call whose estimate is above it is not sent. */
  maxGas?: bigint | undefined;
}

/**
 * Sends transactions from one key. Estimation finds a call that would revert, at no cost. Calls are sent one after
 * another, urgent ones at once; a stuck transaction is replaced by one with a higher fee. If an outcome is unclear,
 * the sender looks on chain by hash and nonce.
 *
 * A receipt shows that the call is in a block, not that it stays there: a caller that depends on it must check the
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
  /** Seconds between the last two seen blocks. */
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
   * Sends a call, or ether, and waits until it is in a block.
   *
   * @throws BlockcloudError `CALL_REVERTED` with the contract's own error, before sending; `TRANSACTION_REVERTED` if
   * it reverted in its block; `FEE_TOO_HIGH` if the limit did not allow it in time; `TRANSACTION_EXPIRED` if the
   * deadline passed; `TRANSACTION_REPLACED` if another transaction used its nonce; `NONCE_STALE` if the endpoint does
   * not return the next nonce; `TRANSACTION_FAILED` otherwise.
   */
  send(call: Call | EtherTransfer, options: SendOptions = {}): Promise<TransactionReceipt> {
    const turn =
      options.urgent === true
        ? this.#send(call, options)
        : this.#queue.then(() => this.#send(call, options));
    turn.catch((error: unknown) => this.#observer?.failed(call, error));
    if (options.urgent === true) return turn;
    // The next call must not fail with this call's error, which its own caller receives.
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** The current price of gas, tip included, wei. */
  async gasPrice(): Promise<bigint> {
    const { pool } = this.#outbox;
    return gasPrice(await pool.market(await pool.tip()), this.#fees);
  }

  /** Whether a call that is not urgent would be sent now. */
  async isAffordable(): Promise<boolean> {
    const limit = this.#fees.maxFeePerGas;
    return limit === undefined || (await this.gasPrice()) <= limit;
  }

  async #send(call: Call | EtherTransfer, options: SendOptions): Promise<TransactionReceipt> {
    const { functionName } = call;
    const started = this.#timers.monotonic();
    for (let tries = 0; ; tries++) {
      options.signal?.throwIfAborted();
      const launched = await this.#launch(call, options);
      if (typeof launched !== "string") {
        this.#log.debug("transaction sent", { functionName, hash: launched.newest.hash });
        return this.#take(launched.payload, await this.#wait(launched, options));
      }
      this.#see(await this.#outbox.pool.tip());
      this.#checkTime(functionName, options, started, launched);
      // Once is normal after a restart; more often means that the endpoint lags behind.
      if (launched === "spent" && tries === 1)
        this.#log.warn("the endpoint's next nonce is used already, waiting", { functionName });
      await this.#pause(options.signal, tries);
    }
  }

  /** Estimates each time: another transaction may have had the effect of the call meanwhile. */
  async #launch(
    call: Call | EtherTransfer,
    { urgent = false, maxGas }: SendOptions,
  ): Promise<Flight | Hindrance> {
    const { address: to, functionName: name } = call;
    let payload: Payload;
    let looked: number;
    try {
      // Read first, to notice a transaction from before a restart that is mined meanwhile.
      looked = await this.#outbox.pool.count();
      const estimate = await this.#estimate(call, looked);
      if (maxGas !== undefined && estimate > maxGas) throw expensive(name, estimate, maxGas);
      const gas = gasLimit(estimate);
      payload =
        "abi" in call
          ? { name, to, data: encodeFunctionData(call), gas }
          : { name, to, data: "0x", value: call.value, gas };
    } catch (cause) {
      throw cause instanceof BlockcloudError ? cause : describeRevert(name, cause);
    }
    try {
      return await this.#outbox.launch(payload, urgent, looked);
    } catch (cause) {
      throw cause instanceof BlockcloudError ? cause : describeRevert(name, cause);
    }
  }

  async #estimate(call: Call | EtherTransfer, looked: number): Promise<bigint> {
    const account = this.address;
    if (!("abi" in call)) {
      const { address: to, value } = call;
      return await this.#client.estimateGas({ account, to, value });
    }
    const asked = { ...call, account };
    try {
      return await this.#client.estimateContractGas(asked);
    } catch (error) {
      // Some nodes estimate on the pending block, which may contain the same call from before a restart, stuck in
      // the pool.
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
          const message = "cannot check a transaction, trying again";
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
      ? `It has probably run out of gas: it used ${gasUsed} of ${gas}. Try again.`
      : "The chain's state changed between estimate and block; try again.";
    throw new BlockcloudError("TRANSACTION_REVERTED", `${functionName} reverted in ${hash}.`, {
      retryable: true,
      remedy: why,
    });
  }

  /**
   * A deadline has passed only if a block shows it: a halted chain continues at its old time, and a silent endpoint
   * shows no time.
   *
   * @throws BlockcloudError if no time is left to wait.
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
        `${functionName} was not mined before its deadline.`,
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

  /** Short at first, for chains with fast blocks; then a part of this chain's block time. */
  #pause(signal: AbortSignal | undefined, looks: number): Promise<void> {
    const { pollingInterval } = this.#client;
    const longest =
      this.#spacing === 0
        ? BLIND_PAUSE_MS
        : Math.min(MOST_PAUSE_MS, (this.#spacing * 1000) / LOOKS_A_BLOCK);
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
      `${functionName} cannot be sent: the RPC endpoint returns a next nonce that is already used.`,
      {
        retryable: true,
        remedy: "The endpoint lags behind: name another one. Stop other programs that use the key.",
      },
    );
  }
  const what =
    typeof why === "string" ? "cannot be sent" : `was sent, but ${why.newest.hash} was not mined`;
  const said = typeof why === "string" ? undefined : why.lastRefusal;
  const words = said === undefined ? "" : ` (the node says: ${said})`;
  return new BlockcloudError("TRANSACTION_FAILED", `${functionName} ${what}${words}.`, {
    retryable: true,
    remedy: "Check the gas price, its limit and the RPC endpoint.",
  });
}

function expensive(functionName: string, estimate: bigint, most: bigint): BlockcloudError {
  return new BlockcloudError(
    "CALL_EXPENSIVE",
    `${functionName} would use ${estimate} gas, and ${most} are allowed.`,
  );
}
