import {
  encodeFunctionData,
  formatEther,
  isAddressEqual,
  parseEventLogs,
  type TransactionReceipt,
} from "viem";
import type { ChainClient } from "../chain/client.ts";
import type { ChainTime } from "../chain/clock.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { TransactionSender } from "../chain/transactions/sender.ts";
import type { Call } from "../chain/transactions/call.ts";
import { simulate } from "../chain/transactions/simulate.ts";
import type { Logger } from "../node/logger.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { Chore } from "./duty.ts";
import { dayOf, quote, type Quote } from "./economy.ts";
import type { KeeperObserver } from "./observer.ts";
import type { KeeperStore } from "./store.ts";

/** Maximum number of calls in one transaction, and their maximum total gas. */
const BATCH = { calls: 16, gas: 8_000_000n };

/** Errors of the sender that mean that no transaction was sent and no gas spent. */
const UNSENT = new Set(["CALL_REVERTED", "FEE_TOO_HIGH"]);

export interface ExecutorOptions {
  /** Wei of ether that one BLOC is worth to the keeper. */
  blocPriceWei: bigint;
  /** Budget for unprofitable calls, ether in wei a day; 0 for none. */
  unpaidWeiPerDay: bigint;
}

export interface ExecutorDependencies {
  client: ChainClient;
  deployment: Deployment;
  sender: TransactionSender;
  store: KeeperStore;
  time: ChainTime;
  observer: KeeperObserver;
  log: Logger;
}

interface Quoted {
  chore: Chore;
  quote: Quote;
}

/**
 * Sends chores that are due and profitable. Each call is simulated on the newest block first, so a chore that
 * another account has done meanwhile costs nothing.
 */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #client: ChainClient;
  readonly #deployment: Deployment;
  readonly #sender: TransactionSender;
  readonly #store: KeeperStore;
  readonly #time: ChainTime;
  readonly #observer: KeeperObserver;
  readonly #log: Logger;

  constructor(options: ExecutorOptions, dependencies: ExecutorDependencies) {
    this.#options = options;
    this.#client = dependencies.client;
    this.#deployment = dependencies.deployment;
    this.#sender = dependencies.sender;
    this.#store = dependencies.store;
    this.#time = dependencies.time;
    this.#observer = dependencies.observer;
    this.#log = dependencies.log;
  }

  /** Whether there is a budget for unprofitable work. */
  get givesAway(): boolean {
    return this.#options.unpaidWeiPerDay > 0n;
  }

  /** Sends the profitable chores, and others within the rest of the day's budget. */
  async offer(chores: readonly Chore[], signal: AbortSignal): Promise<void> {
    const quoted: Quoted[] = [];
    const gasPrice = await this.#client.getGasPrice();
    for (const chore of chores) {
      signal.throwIfAborted();
      const offered = await this.#quote(chore, gasPrice);
      if (offered !== undefined) quoted.push({ chore, quote: offered });
    }
    const wanted = quoted.filter((item) => item.quote.pays || this.givesAway);
    for (const item of quoted) {
      if (wanted.includes(item)) continue;
      const { costWei, rewardWei } = item.quote;
      this.#observer.skipped(item.chore.duty);
      this.#log.debug("unprofitable", {
        ...describe(item.chore),
        costEther: formatEther(costWei),
        rewardEther: formatEther(rewardWei),
      });
    }
    for (const batch of this.#batches(wanted)) {
      signal.throwIfAborted();
      await this.#send(batch, signal);
    }
  }

  /** Undefined if the call would revert. */
  async #quote(chore: Chore, gasPrice: bigint): Promise<Quote | undefined> {
    const client = this.#client;
    const sender = this.#sender;
    const account = sender.address;
    const gas = await simulate(() => client.estimateContractGas({ ...chore.call, account }));
    if (gas === undefined) {
      this.#log.debug("already done", describe(chore));
      return undefined;
    }
    const { blocPriceWei } = this.#options;
    return quote({ gas, gasPrice, reward: chore.reward, blocPriceWei });
  }

  /**
   * Groups calls that can share a transaction: calls of one contract whose batch skips failing calls, except
   * ticks. Profitable and unprofitable calls are separate.
   */
  *#batches(items: readonly Quoted[]): Generator<Quoted[]> {
    const { proofOfService, settlement } = this.#deployment.contracts;
    const targets = [proofOfService, settlement];
    const targetOf = ({ chore: { call } }: Quoted) =>
      call.functionName === "tick"
        ? undefined
        : targets.find((target) => isAddressEqual(call.address, target));
    for (const item of items.filter((each) => targetOf(each) === undefined)) yield [item];
    for (const target of targets) {
      for (const pays of [true, false]) {
        yield* cut(items.filter((each) => targetOf(each) === target && each.quote.pays === pays));
      }
    }
  }

  async #send(batch: readonly Quoted[], signal: AbortSignal): Promise<void> {
    const store = this.#store;
    const time = this.#time;
    const log = this.#log;
    const observer = this.#observer;
    const sender = this.#sender;
    const cost = batch.reduce((sum, { quote: { costWei } }) => sum + costWei, 0n);
    const isGift = batch.some(({ quote: { pays } }) => !pays);
    const day = dayOf(time.now());
    if (isGift) {
      if (store.spent(day) + cost > this.#options.unpaidWeiPerDay) {
        log.debug("the day's budget for unprofitable calls is used up", {
          day,
          costEther: formatEther(cost),
        });
        for (const { chore } of batch) observer.skipped(chore.duty);
        return;
      }
      // Written to disk before sending, so that a crash between the two does not free the budget again.
      store.spend(day, cost);
    }
    let fee = cost;
    try {
      const receipt = await sender.send(this.#toCall(batch), { signal });
      fee = receipt.gasUsed * receipt.effectiveGasPrice;
      this.#report(batch, receipt, fee);
    } catch (error) {
      if (!(error instanceof BlockcloudError)) throw error;
      if (UNSENT.has(error.code)) fee = 0n;
      const isRace = error.code === "CALL_REVERTED" || error.code === "TRANSACTION_REVERTED";
      if (error.code === "TRANSACTION_REVERTED") {
        // The error has no receipt, so the expected cost is recorded.
        const share = cost / BigInt(batch.length);
        for (const { chore } of batch) observer.lost(chore.duty, share);
      }
      const said = { calls: batch.map(({ chore }) => describe(chore)), code: error.code, error };
      if (isRace) log.info("another account was first", said);
      else log.warn("not sent, trying again in a later round", said);
    }
    if (isGift) store.spend(day, fee - cost);
  }

  #toCall(batch: readonly Quoted[]): Call {
    const [only, ...others] = batch;
    if (only !== undefined && others.length === 0) return only.chore.call;
    const target = only?.chore.call.address;
    if (target === undefined) throw new RangeError("A batch has at least one call.");
    // `Settlement` has the same function.
    return {
      address: target,
      abi: proofOfServiceAbi,
      functionName: "tryMulticall",
      args: [batch.map(({ chore: { call } }) => encodeFunctionData(call))],
    };
  }

  /** Logs the outcome of each call: in a batch, single calls may have failed. */
  #report(batch: readonly Quoted[], receipt: TransactionReceipt, fee: bigint): void {
    const log = this.#log;
    const observer = this.#observer;
    const failed = failedCalls(receipt);
    const share = fee / BigInt(batch.length);
    batch.forEach(({ chore }, index) => {
      if (failed.has(index) || chore.isDoneBy?.(receipt) === false) {
        observer.lost(chore.duty, share);
        log.info("another account was first", {
          ...describe(chore),
          feeEther: formatEther(share),
        });
        return;
      }
      observer.done(chore.duty, { reward: chore.reward, feeWei: share });
      log.info("done", {
        ...describe(chore),
        reward: formatEther(chore.reward),
        feeEther: formatEther(share),
      });
    });
  }
}

/** Splits calls into batches that fit a transaction. */
function* cut(items: readonly Quoted[]): Generator<Quoted[]> {
  let batch: Quoted[] = [];
  let gas = 0n;
  for (const item of items) {
    if (batch.length === BATCH.calls || (batch.length > 0 && gas + item.quote.gas > BATCH.gas)) {
      yield batch;
      batch = [];
      gas = 0n;
    }
    batch.push(item);
    gas += item.quote.gas;
  }
  if (batch.length > 0) yield batch;
}

function describe({ duty, about }: Chore): object {
  return { duty, ...about };
}

function failedCalls(receipt: TransactionReceipt): Set<number> {
  const events = parseEventLogs({
    abi: proofOfServiceAbi,
    eventName: "CallFailed",
    logs: receipt.logs,
  });
  return new Set(events.map(({ args }) => Number(args.index)));
}
