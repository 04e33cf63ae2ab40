import { formatEther, isAddressEqual, type Address, type Hex } from "viem";
import type { Cashier } from "../../chain/cashier/cashier.ts";
import type { ChainTime } from "../../chain/clock.ts";
import { readEach } from "../../chain/views/contracts.ts";
import type { Logger } from "../../node/logger.ts";
import type { BlockcloudError } from "../../protocol/errors.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import {
  cashierSeparator,
  LONGEST_TAB_S,
  OPEN_AHEAD_S,
  signTab,
  tabOf,
  type CashierDomain,
} from "../../protocol/voucher.ts";
import { cashierError } from "../errors.ts";
import { booksOf, trancheCost, WINDOW_TRANCHES, type Quote } from "../quote.ts";
import type { PayerTab, TabPayer } from "../tabs.ts";
import { dayOf, Spending, type Caps } from "./spending.ts";
import type { WalletStore } from "./store.ts";
import { WalletTab } from "./tab.ts";

/** The wallet's reads of the chain. */
export type PayerChain = Pick<Cashier, "accountOf" | "signerOf" | "tabOf">;

export interface WalletOptions {
  /** The Cashier's domain. */
  domain: CashierDomain;
  /** Private key of the payer, or a session key that the payer authorized. It signs tabs and vouchers. */
  key: Uint8Array;
  /** The payer; default: the key's own address. */
  payer?: Address | undefined;
  caps?: Caps | undefined;
  /** The most that a tab reserves, BLOC in wei; default: four times what the quote asks at least, or what the caps leave. */
  tabLimit?: bigint | undefined;
  /** Time from a tab's authorization to its expiry, seconds; default a week, at most 30 days. */
  tabSeconds?: number | undefined;
}

export interface WalletDependencies {
  store: WalletStore;
  chain: PayerChain;
  time: Pick<ChainTime, "now" | "timing">;
  log: Logger;
}

const WEEK_S = 604_800;
/** How far this side's clock may be ahead of the chain's, seconds: the contract bounds times by its own. */
const CLOCK_S = 600;
/** A tab is not used in its last part, seconds: the collector's clock may be ahead. */
const LAST_PART_S = 120;
/** Least time that an authorization leaves to the collector to open the tab, seconds. */
const LEAST_OPEN_S = 3_600;
/** How long a tab's state on chain is believed, seconds. */
const CHECK_S = 60;
/** A tab is raised when less than this part of the least limit is left. */
const LOW_PART = 4n;
/** A new tab reserves at most this many times what the caps leave: a provider must not lock a whole account. */
const MOST_RESERVED = 100n;

/**
 * A payer's wallet: tabs with their vouchers, in order, on disk before they can be sent, within the caps. One process
 * at a time may use a store: `openWallet` locks it.
 */
export class Wallet implements TabPayer {
  readonly payer: Address;
  readonly #options: WalletOptions;
  readonly #d: WalletDependencies;
  readonly #signer: Address;
  readonly #separator: Uint8Array;
  readonly #spending: Spending;
  readonly #tabs: WalletTab[];
  /** Tabs are authorized one after another, so that two callers share a tab. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: WalletOptions, dependencies: WalletDependencies) {
    this.#options = options;
    this.#d = dependencies;
    this.#signer = addressOfKey(options.key);
    this.payer = options.payer ?? this.#signer;
    this.#separator = cashierSeparator(options.domain);
    const { store } = dependencies;
    this.#spending = new Spending(options.caps ?? {}, store.payments());
    this.#tabs = store
      .tabs(this.#signer)
      .filter(({ authorization }) => isAddressEqual(authorization.payer, this.payer))
      .map((stored) => this.#tab(stored));
  }

  tabFor(quote: Quote, options: { minGrade?: number } = {}): Promise<PayerTab> {
    const turn = this.#queue.then(() => this.#tabFor(quote, options.minGrade ?? 0));
    // The next caller must not fail with this one's error.
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** Ends in order: what was counted ahead and never signed is given back. A crash leaves it counted. */
  close(): void {
    for (const tab of this.#tabs) tab.close();
    this.#d.store.close();
  }

  async #tabFor(quote: Quote, minGrade: number): Promise<PayerTab> {
    this.#check(quote, minGrade);
    const known = await this.#known(quote, minGrade);
    if (known === undefined || known.left <= 0n) this.#checkCaps(quote.service);
    const tab = known ?? (await this.#new(quote, minGrade));
    tab.stride = trancheCost(quote) * WINDOW_TRANCHES;
    return tab;
  }

  /** @throws BlockcloudError `CASHIER_QUOTE`. */
  #check(quote: Quote, minGrade: number): void {
    const { domain, tabLimit } = this.#options;
    const isOurs =
      BigInt(quote.chainId) === domain.chainId &&
      isAddressEqual(quote.cashier, domain.verifyingContract);
    if (!isOurs) {
      throw refused(`it is for ${quote.cashier} on chain ${quote.chainId}, another Cashier`);
    }
    const number = BigInt(quote.service) >> 192n;
    if (number === 0n || number << 192n !== BigInt(quote.service))
      throw refused(`${quote.service} is not a root service`);
    if (minGrade > quote.highestGrade)
      throw refused(`it takes grades up to ${quote.highestGrade}, not ${minGrade}`);
    if (tabLimit !== undefined && quote.leastLimit > tabLimit)
      throw refused(
        `its tabs reserve ${quote.leastLimit} wei at least, and ${tabLimit} are allowed`,
      );
  }

  /** @throws BlockcloudError `CASHIER_CAP` if nothing is left. */
  #checkCaps(service: Hex): void {
    const cap = this.#spending.tightest(service, dayOf(this.#d.time.now()));
    if (cap?.left !== 0n) return;
    throw cashierError("cap", `Nothing is left of the cap ${cap.name}, ${cap.cap} wei.`);
  }

  /** A known tab that can be used, raised or renewed if that is due. */
  async #known(quote: Quote, minGrade: number): Promise<WalletTab | undefined> {
    const { time } = this.#d;
    const books = booksOf(quote.salt);
    const fits = this.#tabs.filter(({ stored, authorization }) => {
      return (
        !stored.ended &&
        authorization.service === quote.service &&
        isAddressEqual(stored.collector, quote.collector) &&
        booksOf(stored.salt) === books &&
        stored.minGrade === minGrade &&
        authorization.expiresAt > time.now() + LAST_PART_S
      );
    });
    for (const tab of fits.reverse()) if (await this.#refresh(tab, quote)) return tab;
    return undefined;
  }

  /** Whether a tab can be used; reads its state on chain, and authorizes it again if that is due. */
  async #refresh(tab: WalletTab, quote: Quote): Promise<boolean> {
    const now = this.#d.time.now();
    const { limit, openBy, expiresAt } = tab.authorization;
    const isLow = limit - tab.cumulative < quote.leastLimit / LOW_PART;
    const isLate = openBy < now + LEAST_OPEN_S;
    if (!isLow && now < tab.checkedAt + CHECK_S) return true;
    const { payer, service } = tab.authorization;
    const view = await this.#ask(() => this.#d.chain.tabOf({ payer, service, tab: tab.tab }));
    const isUnused = view.state === "None" && isLate && tab.cumulative === 0n;
    // A collector forgets a tab that was never used nor opened.
    if (isUnused || view.state === "Closing" || view.state === "Closed") {
      tab.end();
      return false;
    }
    tab.checkedAt = now;
    tab.learn(view.redeemed);
    // What the collector has not submitted by then, it cannot submit any more.
    const isBehind = view.state === "None" || view.limit < limit || view.endsAt < expiresAt;
    const mustRenew = isLate && isBehind;
    if (!isLow && !mustRenew) return true;
    const raised = isLow ? await this.#raisedLimit(tab, quote, view.limit) : limit;
    // There is nothing to raise it with: what is left of it can be used up.
    if (raised <= limit && !mustRenew) return limit > tab.cumulative;
    const times = this.#times();
    const authorization = {
      ...tab.authorization,
      limit: raised > limit ? raised : limit,
      openBy: times.openBy,
      expiresAt: Math.max(expiresAt, times.expiresAt),
    };
    tab.authorize(authorization, signTab(this.#separator, authorization, this.#options.key));
    return authorization.limit > tab.cumulative;
  }

  /** @param reserved What the chain has reserved for the tab already. */
  async #raisedLimit(tab: WalletTab, quote: Quote, reserved: bigint): Promise<bigint> {
    const { limit } = tab.authorization;
    const available = await this.#available(tab);
    const wanted = tab.cumulative + this.#wanted(quote);
    const possible = reserved + available;
    return least(wanted, possible) > limit ? least(wanted, possible) : limit;
  }

  async #new(quote: Quote, minGrade: number): Promise<WalletTab> {
    const { service, collector, salt, leastLimit } = quote;
    const cap = this.#spending.tightest(service, dayOf(this.#d.time.now()));
    const isWide = cap !== undefined && leastLimit > MOST_RESERVED * cap.left;
    if (isWide && this.#options.tabLimit === undefined) {
      throw refused(
        `its tabs reserve ${leastLimit} wei at least, and ${cap.left} of the cap ${cap.name} are left`,
      );
    }
    const available = await this.#available();
    const limit = least(this.#wanted(quote), available);
    if (limit < leastLimit || limit === 0n) {
      throw cashierError(
        "funds",
        `A tab at ${collector} reserves ${leastLimit} wei at least, and ${available} are free.`,
      );
    }
    const tab = tabOf(collector, salt);
    if (this.#tabs.some((known) => known.tab === tab))
      throw refused(`its salt ${salt} was used before`);
    const terms = { payer: this.payer, service, tab, signer: this.#signer, limit };
    const authorization = { ...terms, ...this.#times() };
    const stored = {
      authorization,
      signature: signTab(this.#separator, authorization, this.#options.key),
      ...{ collector, salt, minGrade, ahead: 0n, isExact: true },
      ...{ base: 0n, epoch: 0, owed: undefined, ended: false },
    };
    this.#d.store.save(stored);
    const made = this.#tab(stored);
    this.#tabs.push(made);
    this.#d.log.info("tab authorized", {
      ...{ service, tab, collector },
      limit: formatEther(limit),
    });
    return made;
  }

  /** What a tab reserves, if the account has it: not more than the caps leave, and what the quote asks at least. */
  #wanted({ service, leastLimit }: Quote): bigint {
    const { tabLimit } = this.#options;
    if (tabLimit !== undefined) return tabLimit;
    const left = this.#spending.tightest(service, dayOf(this.#d.time.now()))?.left;
    const wanted = left === undefined ? 4n * leastLimit : least(4n * leastLimit, left);
    return wanted > leastLimit ? wanted : leastLimit;
  }

  #times(): { openBy: number; expiresAt: number } {
    const now = Math.floor(this.#d.time.now());
    const seconds = Math.min(this.#options.tabSeconds ?? WEEK_S, LONGEST_TAB_S - CLOCK_S);
    return { openBy: now + OPEN_AHEAD_S - CLOCK_S, expiresAt: now + seconds };
  }

  /**
   * What a new tab may reserve: the free part of the account, and what is left of a session key's limit, less what
   * other authorizations of this wallet can still reserve.
   *
   * @param except A tab whose own authorization does not count.
   */
  async #available(except?: WalletTab): Promise<bigint> {
    const now = this.#d.time.now();
    const { chain } = this.#d;
    const openable = this.#tabs.filter((tab) => tab !== except && tab.authorization.openBy >= now);
    const [account, session, reserving] = await this.#ask(() =>
      Promise.all([
        chain.accountOf(this.payer),
        this.#signer === this.payer ? undefined : chain.signerOf(this.payer, this.#signer),
        readEach(openable, async ({ authorization }) => {
          const { state, limit } = await chain.tabOf(authorization);
          // A closed tab's ID is dead.
          return state === "Closed" ? 0n : authorization.limit - limit;
        }),
      ]),
    );
    if (session !== undefined && (session.expiresAt < now + LEAST_OPEN_S || session.left === 0n)) {
      throw cashierError("funds", `The session key ${this.#signer} may not open tabs any more.`, {
        remedy: "Authorize the key again, or use another one: Cashier.authorizeSigner.",
      });
    }
    const promised = reserving.reduce((sum, amount) => (amount > 0n ? sum + amount : sum), 0n);
    const most = session === undefined ? account.free : least(account.free, session.left);
    return most > promised ? most - promised : 0n;
  }

  async #ask<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (cause) {
      throw cashierError("chain", "The payer's account or tab cannot be read.", { cause });
    }
  }

  #tab(stored: ConstructorParameters<typeof WalletTab>[0]): WalletTab {
    const { store, time } = this.#d;
    const { key } = this.#options;
    const separator = this.#separator;
    return new WalletTab(stored, { store, spending: this.#spending, time, separator, key });
  }
}

function refused(why: string): BlockcloudError {
  return cashierError("quote", `The quote cannot be accepted: ${why}.`);
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
