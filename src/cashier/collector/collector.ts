import type { Address, Hex } from "viem";
import type { ChainTime } from "../../chain/clock.ts";
import type { Deployment } from "../../chain/deployment.ts";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Scheduler } from "../../node/scheduler.ts";
import type { Timers } from "../../node/timers.ts";
import { epochAt } from "../../protocol/epoch.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { rootServiceId } from "../../protocol/serviceId.ts";
import { cashierDomain, cashierSeparator, type Redemption } from "../../protocol/voucher.ts";
import { cashierError } from "../errors.ts";
import type { Price } from "../price.ts";
import { LEAST_TRANCHE_BYTES, trancheCost, type Quote } from "../quote.ts";
import type { TabCollector, TabOpening } from "../tabs.ts";
import type { CollectorChain } from "./chain.ts";
import { Exposure, type ExposureLimits } from "./exposure.ts";
import { Grades } from "./grades.ts";
import { GroupCommit } from "./groupCommit.ts";
import type { CollectorObserver } from "./observer.ts";
import { Opener, type CollectorSender } from "./opener.ts";
import { Openings } from "./openings.ts";
import { Salts } from "./salts.ts";
import type { CollectorStore, StoredTab } from "./store.ts";
import { CollectedTab, type TabHost } from "./tab.ts";
import { tabKey, TabTable, type TabBounds } from "./tabTable.ts";
import type { EpochWindow } from "./voucherRules.ts";

export interface CollectorOptions {
  /** The service's number. */
  number: bigint;
  price: Price;
  /** The least limit of a new tab, BLOC in wei; default 100 tranches. */
  leastLimit?: bigint | undefined;
  /** The highest grade of vouchers that is taken; default 0: none. */
  highestGrade?: number | undefined;
  /** The most that may wait for its verdicts, BLOC in wei; default 0. */
  gradedCap?: bigint | undefined;
  /** The least tranche, bytes; default 1 MiB. */
  trancheBytes?: number | undefined;
  /** What may be unsecured; default 16 tranches of a payer, and 1,600 in all. */
  exposure?: ExposureLimits | undefined;
  /** The most tabs that are held, each takes memory; default 20,000 in all, and 16 of a payer. */
  tabs?: Partial<TabBounds> | undefined;
}

export interface CollectorDependencies {
  deployment: Deployment;
  store: CollectorStore;
  chain: CollectorChain;
  sender: CollectorSender;
  time: Pick<ChainTime, "now" | "timing">;
  timers: Timers;
  clock: Scheduler;
  log: Logger;
  observer?: CollectorObserver | undefined;
}

/** How far the clocks of both sides may differ, seconds; at most half an epoch. */
const CLOCK_S = 60;

/**
 * Collects for one service: gives quotes, takes tabs and vouchers, and opens tabs on chain when more than the exposure
 * limits is unsecured. `Redeemer` turns vouchers into pay.
 */
export class Collector implements TabCollector, TabHost, Startable {
  readonly separator: Uint8Array;
  readonly service: Hex;
  readonly exposure: Exposure;
  readonly grades: Grades;
  readonly opener: Opener;
  readonly observer: CollectorObserver;
  readonly #terms: Omit<Quote, "salt">;
  readonly #d: CollectorDependencies;
  readonly #salts: Salts;
  readonly #openings: Openings;
  readonly #disk: GroupCommit;
  readonly #tabs: TabTable;
  /** Openings that are being verified, by tab: the same one is verified once. */
  readonly #verifying = new Map<string, Promise<CollectedTab>>();
  #price: Price;

  constructor(options: CollectorOptions, dependencies: CollectorDependencies) {
    const { deployment, store, chain, sender, time, timers, clock, log } = dependencies;
    const { chainId, contracts } = deployment;
    this.#d = dependencies;
    this.#price = options.price;
    this.observer = dependencies.observer ?? {};
    this.service = rootServiceId(options.number);
    this.separator = cashierSeparator(cashierDomain(BigInt(chainId), contracts.cashier));
    const { price, trancheBytes = LEAST_TRANCHE_BYTES } = options;
    const tranche = trancheCost({ price, trancheBytes });
    this.#terms = {
      chainId,
      cashier: contracts.cashier,
      service: this.service,
      collector: sender.address,
      price,
      leastLimit: options.leastLimit ?? 100n * tranche,
      highestGrade: options.highestGrade ?? 0,
      gradedCap: options.gradedCap ?? 0n,
      trancheBytes,
    };
    this.exposure = new Exposure(
      options.exposure ?? { payer: 16n * tranche, total: 1_600n * tranche },
    );
    const now = () => time.now();
    this.#salts = new Salts(store.books, () => now() * 1000);
    this.#openings = new Openings(this.#terms, chain, now);
    this.grades = new Grades(this.#terms, chain, time);
    this.opener = new Opener({ deployment, chain, sender, timers, log });
    this.#disk = new GroupCommit({ store, clock, log });
    this.#tabs = new TabTable(options.tabs ?? {});
    for (const stored of store.tabs()) this.#add(stored);
  }

  /** All tabs. */
  get tabs(): IterableIterator<CollectedTab> {
    return this.#tabs.values();
  }

  /** How many tabs there are. */
  get size(): number {
    return this.#tabs.size;
  }

  async start(): Promise<void> {
    await this.#readVerdicts();
  }

  /**
   * Writes what is not on disk, and takes nothing more: another process keeps the books from now on. After
   * `opener.stop()`.
   */
  close(): void {
    this.#disk.close();
  }

  /** Ends all waits, and writes what is not on disk. The store stays open for its owner. */
  async stop(): Promise<void> {
    await this.opener.stop();
    this.#disk.flush();
  }

  /** Changes the price of later quotes; what was quoted before holds for its sessions. */
  reprice(price: Price): void {
    this.#price = price;
  }

  get tranche(): bigint {
    return trancheCost({ price: this.#price, trancheBytes: this.#terms.trancheBytes });
  }

  quote(payer?: Address): Quote {
    for (;;) {
      const salt = this.#salts.next();
      const quote = { ...this.#terms, price: this.#price, salt };
      if (payer === undefined || !this.#isUsed(payer, salt)) return quote;
    }
  }

  find(payer: Address, tab: Hex): CollectedTab | undefined {
    return this.#tabs.get(payer, tab);
  }

  open(opening: TabOpening): Promise<CollectedTab> {
    const { payer, tab } = opening.authorization;
    const key = tabKey(payer, tab);
    // Another opening of the same tab waits, and is then judged beside the first one.
    const before = this.#verifying.get(key) ?? Promise.resolve();
    const turn = before.then(
      () => this.#open(opening),
      () => this.#open(opening),
    );
    this.#verifying.set(key, turn);
    const done = () => {
      if (this.#verifying.get(key) === turn) this.#verifying.delete(key);
    };
    turn.then(done, (error: unknown) => {
      done();
      this.refused(error);
    });
    return turn;
  }

  epochs(): EpochWindow {
    const { timing, now } = this.#time();
    const slack = Math.min(CLOCK_S, timing.epochSeconds / 2);
    return { earliest: epochAt(timing, now - slack), latest: epochAt(timing, now + slack) };
  }

  admit(tab: CollectedTab, item: Redemption): void {
    this.grades.admit(tab, item);
  }

  changed(tab: CollectedTab): void {
    this.exposure.update(tab);
    this.grades.update(tab);
  }

  async secure(tab: CollectedTab): Promise<void> {
    if (this.exposure.isOver(tab)) {
      await this.opener.open(tab);
      if (this.exposure.isOver(tab)) throw cashierError("busy", "Too much is unsecured here.");
    } else if (this.exposure.isHigh(tab)) {
      this.opener.open(tab).catch((error: unknown) => {
        // The tab has ended then, and its users were told.
        this.#d.log.info("a tab could not be opened", { tab: tab.tab, error });
      });
    }
  }

  later(tab: CollectedTab): void {
    if (this.#isKept(tab)) this.#disk.later(tab);
  }

  soon(tab: CollectedTab): void {
    if (this.#isKept(tab)) this.#disk.soon(tab);
  }

  async now(tab: CollectedTab): Promise<void> {
    if (!this.#isKept(tab)) throw cashierError("ended", `Tab ${tab.tab} is over.`);
    await this.#disk.now(tab);
  }

  refused(error: unknown): void {
    if (error instanceof BlockcloudError) this.observer.refused?.(error.code);
  }

  /** Forgets a tab that can never pay any more. */
  drop(tab: CollectedTab): void {
    this.#disk.drop(tab);
    this.#tabs.remove(tab);
    tab.forget();
  }

  async #open(opening: TabOpening): Promise<CollectedTab> {
    const { authorization, salt } = opening;
    const { payer, tab } = authorization;
    const known = this.find(payer, tab);
    if (known !== undefined && isSame(known.opening, opening) && known.ended === undefined)
      return known;
    this.#openings.checkForm(opening, known);
    if (known === undefined) this.#checkRoom(payer, salt);
    const reserved = known?.view?.limit ?? 0n;
    const isOnChain = known !== undefined && (await this.#isOnChain(known, opening));
    if (!isOnChain)
      await this.#openings.checkByChain(opening, this.#promised(payer, known), reserved);
    await this.#readVerdicts();
    if (known !== undefined) {
      known.authorize(opening);
      await this.now(known);
      return known;
    }
    const made = this.#add({ opening, charged: 0n, vouchers: [] });
    await this.now(made);
    return made;
  }

  /** Graded vouchers are refused while the verdicts cannot be read; others are taken. */
  async #readVerdicts(): Promise<void> {
    await this.grades.refresh().catch((error: unknown) => {
      this.#d.log.warn("the verdicts cannot be read, graded vouchers are refused", { error });
    });
  }

  /** Whether the chain has the tab already as an authorization says: then it would be refused as a second one. */
  async #isOnChain(known: CollectedTab, { authorization }: TabOpening): Promise<boolean> {
    try {
      known.see(await this.#d.chain.tabOf(known));
    } catch (cause) {
      throw cashierError("chain", `Tab ${known.tab} cannot be read.`, { cause });
    }
    const view = known.view;
    return (
      view?.state === "Open" &&
      view.limit === authorization.limit &&
      view.endsAt === authorization.expiresAt
    );
  }

  /** @throws BlockcloudError `CASHIER_AUTHORIZATION`, `CASHIER_BUSY`. */
  #checkRoom(payer: Address, salt: Hex): void {
    const refusal = this.#salts.refusal(salt);
    if (refusal !== undefined) {
      throw cashierError("authorization", `The salt ${salt} opens no tab here: ${refusal}.`);
    }
    // An authorization alone costs its payer nothing, so a tab that was never used makes room.
    for (const unused of this.#tabs.excess(payer)) this.drop(unused);
    const full = this.#tabs.fullOf(payer);
    if (full !== undefined) throw cashierError("busy", `${full}, and all were used.`);
  }

  /** What the payer's other authorizations can still reserve. */
  #promised(payer: Address, except: CollectedTab | undefined): bigint {
    return this.#tabs
      .of(payer)
      .filter((tab) => tab !== except && tab.opening.authorization.openBy >= this.#d.time.now())
      .map(({ limit, view }) => limit - (view?.limit ?? 0n))
      .reduce((sum, amount) => (amount > 0n ? sum + amount : sum), 0n);
  }

  #isKept(tab: CollectedTab): boolean {
    return this.#tabs.get(tab.payer, tab.tab) === tab;
  }

  #isUsed(payer: Address, salt: Hex): boolean {
    return this.#tabs.of(payer).some((tab) => tab.salt === salt);
  }

  #add(stored: StoredTab): CollectedTab {
    const tab = new CollectedTab(stored, this);
    this.#tabs.add(tab);
    this.changed(tab);
    return tab;
  }

  #time() {
    const { time } = this.#d;
    return { timing: time.timing, now: time.now() };
  }
}

function isSame(a: TabOpening, b: TabOpening): boolean {
  const [x, y] = [a.authorization, b.authorization];
  return (
    a.signature === b.signature &&
    x.signer === y.signer &&
    x.limit === y.limit &&
    x.openBy === y.openBy &&
    x.expiresAt === y.expiresAt
  );
}
