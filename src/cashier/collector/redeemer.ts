import { formatEther, parseEventLogs, type TransactionReceipt } from "viem";
import { cashierCalls } from "../../chain/cashier/calls.ts";
import type { ChainTime } from "../../chain/clock.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { decodeReason } from "../../chain/transactions/revert.ts";
import type { Call } from "../../chain/transactions/call.ts";
import { readEach } from "../../chain/views/contracts.ts";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { cashierAbi } from "../../protocol/abi/cashier.ts";
import { epochAt } from "../../protocol/epoch.ts";
import { LONGEST_BATCH, type Redemption } from "../../protocol/voucher.ts";
import type { CollectorChain } from "./chain.ts";
import type { Collector } from "./collector.ts";
import { dueOf, type Due, type DueMoment } from "./due.ts";
import { gasOf, isWorth } from "./economy.ts";
import type { CollectorSender } from "./opener.ts";
import type { CollectedTab } from "./tab.ts";
import { TabWatch } from "./watch.ts";

export interface RedeemerOptions {
  /** Wei of ether that one BLOC is worth to the provider. */
  blocPriceWei: bigint;
  /** Pause between two rounds, milliseconds. */
  everyMs: number;
}

export interface RedeemerDependencies {
  collector: Collector;
  deployment: Deployment;
  chain: CollectorChain;
  sender: CollectorSender;
  time: Pick<ChainTime, "now" | "head" | "timing">;
  timers: Timers;
  log: Logger;
}

/**
 * Turns vouchers into pay, in rounds: looks at the tabs, opens those whose authorization runs out, redeems by value,
 * collects, and closes what is over. The chain holds the state: a round after a crash finds what the one before did.
 */
export class Redeemer implements Startable {
  readonly #options: RedeemerOptions;
  readonly #d: RedeemerDependencies;
  readonly #watch: TabWatch;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  /** Vouchers that can never be redeemed; the newest of a tab is kept nevertheless. */
  readonly #lost = new WeakSet<Redemption>();
  #hasLooked = false;
  #grades = new Map<number, ReturnType<CollectorChain["gradeOf"]>>();

  constructor(options: RedeemerOptions, dependencies: RedeemerDependencies) {
    this.#options = options;
    this.#d = dependencies;
    this.#watch = new TabWatch(dependencies);
  }

  start(): Promise<void> {
    this.#loop = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  /** One round. Each part is tried, and what fails is done again in the next round. */
  async round(): Promise<void> {
    const { collector, log, sender, time } = this.#d;
    const moment = { now: time.head().timestamp, epoch: 0 };
    moment.epoch = epochAt(time.timing, moment.now);
    this.#grades = new Map();
    const gasPrice = await sender.gasPrice();
    const parts: readonly (readonly [string, () => Promise<unknown>])[] = [
      ["verdicts", () => collector.grades.refresh()],
      ["tabs", () => this.#look(moment)],
      ["openings", () => this.#open(moment, gasPrice)],
      ["redemptions", () => this.#redeem(moment, gasPrice)],
      ["collection", () => this.#collect(gasPrice)],
      ["closings", () => this.#close(moment, gasPrice)],
    ];
    for (const [part, run] of parts) {
      this.#stopping.signal.throwIfAborted();
      try {
        await run();
      } catch (error) {
        this.#stopping.signal.throwIfAborted();
        log.warn("a part of the collector's round failed, trying again in the next one", {
          part,
          error,
        });
      }
    }
  }

  async #run(): Promise<void> {
    const { timers, log } = this.#d;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.round();
      } catch (error) {
        if (signal.aborted) return;
        log.warn("the collector's round failed, trying again", { error });
      }
      await timers.sleep(this.#options.everyMs, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }

  async #look(moment: DueMoment): Promise<void> {
    await this.#watch.look(moment, !this.#hasLooked);
    this.#hasLooked = true;
  }

  /** Opens tabs whose authorization runs out, if what they owe is worth it. */
  async #open(moment: DueMoment, gasPrice: bigint): Promise<void> {
    const { collector, log } = this.#d;
    for (const tab of this.#watch.lapsing(moment)) {
      const income = tab.best - tab.redeemed;
      const gas = gasOf.opening + gasOf.batch + gasOf.item;
      if (!this.#isWorth(income, gas, gasPrice, true)) continue;
      await collector.opener.once(tab).catch((error: unknown) => {
        log.warn("a tab could not be opened", { tab: tab.tab, error });
      });
    }
  }

  async #redeem(moment: DueMoment, gasPrice: bigint): Promise<void> {
    const { collector, log } = this.#d;
    const open = [...collector.tabs].filter((tab) => isLive(tab) && tab.best > tab.redeemed);
    const all = await readEach(open, (tab) =>
      dueOf(tab, moment, (_, epoch) => this.#gradeOf(epoch)),
    );
    for (const { tab, lost } of all) {
      const found = [...lost].filter((item) => !this.#lost.has(item));
      if (found.length === 0) continue;
      const epochs = found.map(({ voucher }) => voucher.epoch);
      log.warn("vouchers cannot be redeemed: no grade, or a lower one", { tab: tab.tab, epochs });
      for (const item of found) this.#lost.add(item);
      tab.forgo(lost);
    }
    const worth = all.filter(({ items, income, isUrgent }) => {
      const gas = gasOf.item * BigInt(items.length);
      return items.length > 0 && this.#isWorth(income, gas, gasPrice, isUrgent);
    });
    for (const batch of batches(worth)) {
      const income = batch.reduce((sum, due) => sum + due.income, 0n);
      const items = batch.flatMap((due) => due.items);
      const gas = gasOf.batch + gasOf.item * BigInt(items.length);
      const isUrgent = batch.some((due) => due.isUrgent);
      if (this.#isWorth(income, gas, gasPrice, isUrgent)) await this.#send(batch, items, isUrgent);
    }
  }

  async #send(batch: readonly Due[], items: readonly Redemption[], urgent: boolean): Promise<void> {
    const { chain, collector, log } = this.#d;
    for (const { tab, items: own } of batch) for (const item of own) tab.reveal(item);
    const receipt = await this.#sendCall(this.#calls.redeemBatch(items), urgent);
    for (const { tab } of batch) tab.see(await chain.tabOf(tab));
    const { paid, skipped } = outcome(receipt, items);
    const count = items.length - skipped.length;
    collector.observer.redeemed?.({ amount: paid, paid: count, skipped: skipped.length });
    log.info("vouchers redeemed", {
      vouchers: items.length,
      amount: formatEther(paid),
      gas: receipt.gasUsed,
    });
    for (const { item, reason } of skipped) {
      log.warn("a voucher was not redeemed", { tab: item.voucher.tab, reason });
    }
  }

  async #collect(gasPrice: bigint): Promise<void> {
    const { chain, collector, log } = this.#d;
    const earned = await chain.earnedOf(collector.service);
    // Earnings are never lost, so a collection is never urgent.
    if (!this.#isWorth(earned, gasOf.collection, gasPrice, false)) return;
    await this.#sendCall(this.#calls.collect(collector.service), false);
    log.info("earnings collected", { amount: formatEther(earned) });
  }

  /** Closes tabs that are over, if they have paid for it, so that the payer gets back the rest at once. */
  async #close(moment: DueMoment, gasPrice: bigint): Promise<void> {
    const { collector, log, chain } = this.#d;
    for (const tab of this.#watch.over(moment)) {
      if (tab.view?.state === "Closed" || tab.view?.state === "None") {
        collector.drop(tab);
        continue;
      }
      if (this.#isWorth(tab.redeemed, gasOf.closing, gasPrice, false)) {
        const { payer, service, salt } = tab;
        await this.#sendCall(this.#calls.closeAsCollector({ payer, service, salt }), false);
        tab.see(await chain.tabOf(tab));
        log.info("tab closed", { tab: tab.tab, payer });
        collector.drop(tab);
      } else if (moment.now > (tab.view?.redeemableUntil ?? 0)) {
        // Its payer can close it from now on.
        collector.drop(tab);
      }
    }
  }

  get #calls() {
    return cashierCalls(this.#d.deployment);
  }

  #sendCall(call: Call, urgent: boolean): Promise<TransactionReceipt> {
    return this.#d.sender.send(call, { signal: this.#stopping.signal, urgent });
  }

  #gradeOf(epoch: number): ReturnType<CollectorChain["gradeOf"]> {
    const { chain, collector } = this.#d;
    const known = this.#grades.get(epoch) ?? chain.gradeOf(collector.service, epoch);
    this.#grades.set(epoch, known);
    return known;
  }

  #isWorth(income: bigint, gas: bigint, gasPrice: bigint, isUrgent: boolean): boolean {
    const { blocPriceWei } = this.#options;
    return isWorth({ income, gas, gasPrice, blocPriceWei, isUrgent });
  }
}

function isLive({ view }: CollectedTab): boolean {
  return view?.state === "Open" || view?.state === "Closing";
}

/** Groups what tabs owe into batches of at most `LONGEST_BATCH`; the urgent first, by value. */
function* batches(dues: readonly Due[]): Generator<Due[]> {
  const sorted = dues
    // A tab with more than a batch goes on in the next round.
    .map((due) => ({ ...due, items: due.items.slice(0, LONGEST_BATCH) }))
    .sort((a, b) => Number(b.isUrgent) - Number(a.isUrgent) || (a.income < b.income ? 1 : -1));
  let batch: Due[] = [];
  let length = 0;
  for (const due of sorted) {
    if (length + due.items.length > LONGEST_BATCH) {
      yield batch;
      batch = [];
      length = 0;
    }
    batch.push(due);
    length += due.items.length;
  }
  if (batch.length > 0) yield batch;
}

/** What a batch paid, and what it skipped. BLOC in wei. */
function outcome(
  { logs }: TransactionReceipt,
  items: readonly Redemption[],
): { paid: bigint; skipped: { item: Redemption; reason: string }[] } {
  const events = parseEventLogs({ abi: cashierAbi, logs });
  let paid = 0n;
  const skipped: { item: Redemption; reason: string }[] = [];
  for (const event of events) {
    if (event.eventName === "Redeemed") paid += event.args.amount;
    if (event.eventName !== "RedemptionSkipped") continue;
    const item = items[Number(event.args.index)];
    const reason = decodeReason(cashierAbi, event.args.reason)?.name ?? "unknown";
    if (item !== undefined) skipped.push({ item, reason });
  }
  return { paid, skipped };
}
