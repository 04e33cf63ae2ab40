/** Accounts, tabs and the keys that open them (docs/protocol.md, section 11). */
import { zeroAddress, type Address, type Hex } from "viem";
import type { Books } from "./books.ts";
import { numberOf, tabIdOf, tabSigner, type TabTerms } from "./cashierHashes.ts";
import type { Registry } from "./registry.ts";
import { LONGEST_TAB, NOTICE, OPEN_AHEAD, REDEMPTION } from "./terms.ts";

export type TabState = "open" | "closing" | "closed";

export interface Tab {
  payer: Address;
  service: Hex;
  id: Hex;
  state: TabState;
  signer: Address;
  limit: bigint;
  redeemed: bigint;
  passed: bigint;
  /** The last second of serving; of a closing tab, that of redemption. */
  endsAt: number;
}

/** What a key may open in a payer's name. */
export interface Session {
  payer: Address;
  signer: Address;
  left: bigint;
  expiresAt: number;
}

export class CashierTabs {
  /** What a payer can withdraw. */
  readonly free = new Map<Address, bigint>();
  readonly sessions = new Map<string, Session>();
  readonly #tabs = new Map<string, Tab>();
  readonly #books: Books;
  readonly #registry: Registry;

  constructor(books: Books, registry: Registry) {
    this.#books = books;
    this.#registry = registry;
  }

  get all(): Tab[] {
    return [...this.#tabs.values()];
  }

  tab(payer: Address, service: Hex, id: Hex): Tab | undefined {
    return this.#tabs.get(keyOf(payer, service, id));
  }

  /** Changes the free part of an account. */
  credit(payer: Address, amount: bigint): void {
    this.free.set(payer, this.freeOf(payer) + amount);
  }

  freeOf(payer: Address): bigint {
    return this.free.get(payer) ?? 0n;
  }

  /** The sum of the limits of a payer's tabs. */
  reservedOf(payer: Address): bigint {
    const living = this.all.filter((tab) => tab.payer === payer && tab.state !== "closed");
    return living.reduce((sum, { limit }) => sum + limit, 0n);
  }

  authorizeSigner(payer: Address, signer: Address, limit: bigint, expiresAt: number): void {
    this.#require("authorizeSigner: a key", signer !== zeroAddress, signer);
    this.sessions.set(`${payer}/${signer}`, { payer, signer, left: limit, expiresAt });
    this.#books.emit("cashier", "SignerAuthorized", { payer, signer, limit, expiresAt });
  }

  revokeSigner(payer: Address, signer: Address): void {
    const session = this.sessions.get(`${payer}/${signer}`);
    this.#require("revokeSigner: a key that was authorized", session !== undefined, signer);
    this.sessions.set(`${payer}/${signer}`, { payer, signer, left: 0n, expiresAt: 0 });
    this.#books.emit("cashier", "SignerRevoked", { payer, signer });
  }

  /** Opens a tab, or raises one. */
  async open(collector: Address, terms: TabTerms, salt: Hex, signature: Hex): Promise<void> {
    const { payer, service, tab: id, signer, limit, openBy, expiresAt } = terms;
    const { time } = this.#books.now;
    const inTime = time <= openBy && openBy <= time + OPEN_AHEAD;
    const isExpiry = expiresAt > time && expiresAt <= time + LONGEST_TAB;
    this.#require("openTab: by the collector", id === tabIdOf(collector, salt), id);
    this.#require("openTab: in time", inTime, id);
    this.#require("openTab: an expiry within bounds", isExpiry, id);
    this.#require("openTab: a signer and a limit", signer !== zeroAddress && limit > 0n, id);
    const known = this.tab(payer, service, id);
    const added = limit - (known?.limit ?? 0n);
    this.#require("openTab: of free BLOC", added <= this.freeOf(payer), id);
    await this.#authorize(terms, signature, added);
    this.credit(payer, -added);
    if (known === undefined) {
      const number = numberOf(service);
      const isService = number !== undefined && this.#registry.services.has(number);
      this.#require("openTab: for a root service", isService, id);
      const fresh = { state: "open", redeemed: 0n, passed: 0n, endsAt: expiresAt } as const;
      this.#tabs.set(keyOf(payer, service, id), {
        ...{ payer, service, id, signer, limit },
        ...fresh,
      });
      const named = { payer, service, tab: id, collector, signer, limit, expiresAt };
      this.#books.emit("cashier", "TabOpened", named);
      return;
    }
    const isRaised = added > 0n || expiresAt > known.endsAt;
    const isLowered = added < 0n || expiresAt < known.endsAt;
    const isOpen = known.state === "open" && time <= redeemableUntil(known);
    this.#require("openTab: raises an open tab", isOpen && isRaised && !isLowered, id);
    this.#require("openTab: the same signer", known.signer === signer, id);
    Object.assign(known, { limit, endsAt: expiresAt });
    this.#books.emit("cashier", "TabRaised", { payer, service, tab: id, limit, expiresAt });
  }

  announceClosing(payer: Address, service: Hex, id: Hex): void {
    const tab = this.#existing(payer, service, id);
    this.#require("announceClosing: of an open tab", tab.state === "open", id);
    const until = Math.min(this.#books.now.time + NOTICE, redeemableUntil(tab));
    Object.assign(tab, { state: "closing", endsAt: until });
    const named = { payer, service, tab: id, redeemableUntil: until };
    this.#books.emit("cashier", "TabClosing", named);
  }

  closeAsCollector(collector: Address, payer: Address, service: Hex, salt: Hex): void {
    this.#close(this.#existing(payer, service, tabIdOf(collector, salt)));
  }

  closeTab(payer: Address, service: Hex, id: Hex): void {
    const tab = this.#existing(payer, service, id);
    const isOver = this.#books.now.time > redeemableUntil(tab);
    this.#require("closeTab: after the time of redemption", isOver, id);
    this.#close(tab);
  }

  #close(tab: Tab): void {
    const { payer, service, id, state, limit, redeemed, passed } = tab;
    this.#require("closing: of a living tab", state !== "closed", id);
    const paid = redeemed - passed;
    Object.assign(tab, { state: "closed", signer: zeroAddress, passed: 0n });
    this.credit(payer, limit - paid);
    const named = { payer, service, tab: id, paid, returned: limit - paid };
    this.#books.emit("cashier", "TabClosed", named);
  }

  /** The payer's key, or the tab's signer where the payer authorized it: then its limit is charged. */
  async #authorize(terms: TabTerms, signature: Hex, added: bigint): Promise<void> {
    const { payer, signer, tab } = terms;
    const { record, contracts, now } = this.#books;
    const place = { chainId: record.chainId, cashier: contracts.cashier };
    const recovered = await tabSigner(place, terms, signature);
    if (recovered === payer) return;
    const session = this.sessions.get(`${payer}/${recovered}`);
    const isLive = recovered === signer && session !== undefined && session.expiresAt >= now.time;
    const isWithin = isLive && session.left >= added;
    this.#require("openTab: signed by the payer or by a key of it", isWithin, tab);
    if (isWithin) session.left -= added;
  }

  #existing(payer: Address, service: Hex, id: Hex): Tab {
    const tab = this.tab(payer, service, id);
    if (tab === undefined) throw new Error(`tab ${id} was never opened`);
    return tab;
  }

  #require(what: string, holds: boolean, party: string): void {
    this.#books.require(what, holds, { epoch: this.#books.now.epoch, party });
  }
}

/** The last second of redemption. */
export function redeemableUntil({ state, endsAt }: Tab): number {
  return state === "open" ? endsAt + REDEMPTION : endsAt;
}

function keyOf(payer: Address, service: Hex, id: Hex): string {
  return `${payer}/${service}/${id}`;
}
