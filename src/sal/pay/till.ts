import type { FreeAllowance } from "../../cashier/allowance.ts";
import { trancheCost } from "../../cashier/quote.ts";
import type { CollectorTab, TabCollector } from "../../cashier/tabs.ts";
import { peerOf } from "../../net/peer.ts";
import type { Logger } from "../../node/logger.ts";
import { RateLimit } from "../../node/rateLimit.ts";
import type { Scheduler } from "../../node/scheduler.ts";
import { payLimits, type PayLimits, type PayLimitValues } from "./limits.ts";
import { TabAccount, type TabUser } from "./tabAccount.ts";

/** Bytes of the allowance that a session takes at once. */
const CHUNK = 64 * 1024;

/** What a service with a price needs to be paid in its sessions. */
export interface Pricing {
  /** Of the service; a sub-service uses that of its root. */
  collector: TabCollector;
  /** The one of the service: its gateway draws on it, too. */
  allowance: FreeAllowance;
  limits?: PayLimits | undefined;
}

export interface TillDependencies {
  clock: Scheduler;
  log: Logger;
}

/** Where the sessions of a priced service are paid: the tabs that they share, and the limits of peers. */
export class Till {
  readonly limits: PayLimitValues;
  readonly collector: TabCollector;
  readonly allowance: FreeAllowance;
  readonly clock: Scheduler;
  readonly log: Logger;
  readonly #vouchers: RateLimit;
  readonly #tabs: RateLimit;
  /** By payer and tab: a payer may open a tab with the ID of another payer's. */
  readonly #accounts = new Map<string, TabAccount>();
  #openings = 0;

  /** @throws BlockcloudError `SAL_OPTIONS`. */
  constructor({ collector, allowance, limits = {} }: Pricing, { clock, log }: TillDependencies) {
    const values = payLimits(limits);
    this.limits = values;
    this.collector = collector;
    this.allowance = allowance;
    this.clock = clock;
    this.log = log;
    const { maxPeers, vouchersPerSecond, voucherBurst, tabsPerSecond, tabBurst } = values;
    const monotonic = () => clock.monotonic();
    this.#vouchers = new RateLimit(
      { perSecond: vouchersPerSecond, burst: voucherBurst, maxPeers },
      monotonic,
    );
    this.#tabs = new RateLimit({ perSecond: tabsPerSecond, burst: tabBurst, maxPeers }, monotonic);
  }

  /** Tabs that sessions charge now. */
  get tabs(): number {
    return this.#accounts.size;
  }

  /** Takes bytes of an address's free allowance: as many as are missing, or more; returns how many were left. */
  takeFree(address: string, missing: number): number {
    return this.allowance.takeBytes(address, Math.max(missing, CHUNK));
  }

  /** Milliseconds until one more voucher of an address may be verified; 0 takes it. */
  voucherDelay(address: string): number {
    return this.#vouchers.take(peerOf(address));
  }

  /** Begins to open a tab; undefined if a limit is reached. The returned function ends it. */
  beginOpening(address: string): (() => void) | undefined {
    if (this.#openings >= this.limits.maxOpenings || this.#tabs.take(peerOf(address)) > 0) {
      return undefined;
    }
    this.#openings += 1;
    return () => {
      this.#openings -= 1;
    };
  }

  /**
   * Another process keeps the books from now on, whose window is the least at first. The sessions of a tab keep half a
   * least tranche of it together, so that others have room beside them.
   */
  trim(): void {
    const most = trancheCost(this.collector.quote()) / 2n;
    for (const { users } of this.#accounts.values()) {
      for (const user of users) user.trim?.(most / BigInt(users.size));
    }
  }

  /** What the sessions may use of each tab without asking: BLOC in wei. */
  *granted(): Generator<{ tab: CollectorTab; amount: bigint }> {
    for (const { tab, users } of this.#accounts.values()) {
      let amount = 0n;
      for (const { granted } of users) amount += granted;
      yield { tab, amount };
    }
  }

  /** A tab may have room again, because another process has shared it. */
  refilled(tab: CollectorTab): void {
    for (const user of this.#accounts.get(keyOf(tab))?.users ?? []) user.credited();
  }

  /** A session charges a tab from now on. */
  join(tab: CollectorTab, user: TabUser): TabAccount {
    const key = keyOf(tab);
    const account = this.#accounts.get(key) ?? new TabAccount(tab, () => this.clock.monotonic());
    this.#accounts.set(key, account);
    account.users.add(user);
    return account;
  }

  /** A session charges a tab no more. */
  leave(account: TabAccount, user: TabUser): void {
    account.users.delete(user);
    if (account.users.size > 0) return;
    this.#accounts.delete(keyOf(account.tab));
    account.tab.share?.done("session");
  }
}

function keyOf({ payer, tab }: CollectorTab): string {
  return `${payer}/${tab}`.toLowerCase();
}
