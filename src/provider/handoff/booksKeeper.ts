import type { Address, Hex } from "viem";
import { costOf } from "../../cashier/price.ts";
import { openingFromJson, redemptionFromJson, toJson } from "../../cashier/json.ts";
import {
  holdingSchema,
  toKeeperSchema,
  type FromKeeper,
  type TabStateJson,
} from "../../cashier/shared/messages.ts";
import type { SharedCollector } from "../../cashier/shared/sharedCollector.ts";
import type { SharedTab } from "../../cashier/shared/sharedTab.ts";
import type { ChargeKind } from "../../cashier/tabs.ts";
import type { Logger } from "../../node/logger.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { TabAccount, TabUser } from "../../sal/pay/tabAccount.ts";
import type { Till } from "../../sal/pay/till.ts";

/** A share grows by this part of a tranche at most. */
const STRIDE_PART = 4n;
/** The largest frame of a flow, bytes: a share must have room for one. */
const FRAME_BYTES = 65_536n;

export interface BooksKeeperParts {
  collector: SharedCollector;
  till: Till;
  log: Logger;
}

/** Keeps the books of a service, also for the sessions and requests of the processes before this one. */
export class BooksKeeper {
  readonly #parts: BooksKeeperParts;
  readonly #users = new Set<BooksUser>();

  constructor(parts: BooksKeeperParts) {
    this.#parts = parts;
  }

  /**
   * Another process charges tabs.
   *
   * @param holdings What it may charge already, and what it has charged that is not in the books.
   * @param send Tells it something.
   */
  join(holdings: readonly unknown[], send: (message: FromKeeper) => void): BooksUser {
    const user = new BooksUser(this.#parts, send, () => this.#users.delete(user));
    this.#users.add(user);
    for (const each of holdings) user.hold(each);
    return user;
  }

  /** The books change hands: nothing of the others counts from here on, and they know what did. */
  close(): void {
    for (const user of [...this.#users]) user.close();
  }
}

/** What another process may charge to a tab. BLOC in wei. */
class RemoteShare implements TabUser {
  readonly tab: SharedTab;
  granted = 0n;
  request = 0n;
  /** What it has asked for, and has not got. */
  wanted = 0n;
  /** What it has charged since it was joined. */
  seen = 0n;
  account: TabAccount | undefined;
  readonly #refill: (share: RemoteShare) => void;

  constructor(tab: SharedTab, refill: (share: RemoteShare) => void) {
    this.tab = tab;
    this.#refill = refill;
  }

  credited(): void {
    if (this.wanted > 0n) this.#refill(this);
  }
}

/** Another process that charges tabs of these books. */
export class BooksUser {
  readonly #parts: BooksKeeperParts;
  readonly #send: (message: FromKeeper) => void;
  readonly #left: () => void;
  readonly #shares = new Map<string, RemoteShare>();
  #isOver = false;

  constructor(parts: BooksKeeperParts, send: (message: FromKeeper) => void, left: () => void) {
    this.#parts = parts;
    this.#send = send;
    this.#left = left;
  }

  /** Takes what the process holds over. */
  hold(json: unknown): void {
    const { payer, tab, session, request, unsent } = holdingSchema.parse(json);
    const share = this.#shareOf(payer, tab);
    if (share === undefined) return;
    if (unsent > 0n) share.tab.charge(unsent);
    this.#account(share);
    share.granted += session;
    share.request += request;
    share.tab.promised += request;
    this.#tell(share);
  }

  /** Takes a message of the process. */
  take(json: unknown): void {
    if (this.#isOver) return;
    const { success, data: message } = toKeeperSchema.safeParse(json);
    if (!success) {
      this.#parts.log.error("a process before this one sent a wrong message about the books");
      return;
    }
    if (message.is === "free") {
      this.#parts.till.allowance.count(message);
      return;
    }
    if (message.is === "credit" || message.is === "open") {
      void this.#answer(message);
      return;
    }
    const share = this.#shareOf(message.payer, message.tab);
    if (share === undefined) return;
    switch (message.is) {
      case "charge":
        share.tab.charge(message.amount, message.by);
        share.seen += message.amount;
        this.#reduce(share, message.by, message.amount);
        break;
      case "return":
        this.#reduce(share, message.by, message.amount);
        break;
      case "want":
        share.wanted = message.amount;
        this.#refill(share);
        break;
      case "reveal":
        share.tab.reveal(redemptionFromJson(message.redemption));
    }
  }

  /** The process is over: what it did not charge, others may use. */
  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#left();
    for (const share of this.#shares.values()) {
      share.tab.promised -= share.request;
      if (share.account !== undefined) this.#parts.till.leave(share.account, share);
    }
  }

  /** As {@link leave}, when the books change hands. */
  close(): void {
    const seen = [...this.#shares.values()].map(({ tab, seen: amount }) => ({
      ...{ payer: tab.payer, tab: tab.tab, amount: String(amount) },
    }));
    this.#send({ is: "closed", seen: seen.filter(({ amount }) => amount !== "0") });
    this.leave();
  }

  #shareOf(payer: Address, id: Hex): RemoteShare | undefined {
    const key = `${payer}/${id}`.toLowerCase();
    const known = this.#shares.get(key);
    if (known !== undefined) return known;
    const tab = this.#parts.collector.find(payer, id);
    if (tab === undefined) return undefined;
    const share = new RemoteShare(tab, (each) => {
      this.#refill(each);
    });
    this.#shares.set(key, share);
    tab.onEnd((error) => {
      const { code, message } = asTold(error);
      this.#send({ is: "ended", payer, tab: id, why: { code, message } });
    });
    return share;
  }

  #account(share: RemoteShare): TabAccount {
    share.account ??= this.#parts.till.join(share.tab, share);
    return share.account;
  }

  #reduce(share: RemoteShare, by: ChargeKind, amount: bigint): void {
    if (by === "session") {
      share.granted = share.granted > amount ? share.granted - amount : 0n;
      return;
    }
    const part = share.request < amount ? share.request : amount;
    share.request -= part;
    share.tab.promised -= part;
  }

  /** Grants what was asked for, as far as there is room beside all others. */
  #refill(share: RemoteShare): void {
    const account = this.#account(share);
    const quote = this.#parts.collector.quote(share.tab.payer);
    const room = account.room(share, quote) - share.granted;
    // A share that is not used must leave the other sessions of the tab something: as a session's own stride does.
    const part = least(room / BigInt(account.users.size), account.tranche(quote) / STRIDE_PART);
    const frame = quote.price.perByte * FRAME_BYTES;
    const more = least(room, share.wanted, part > frame ? part : frame);
    if (more <= 0n) return;
    share.wanted = 0n;
    share.granted += more;
    this.#tell(share, more);
  }

  async #answer(
    message:
      | { is: "credit"; id: number; redemption: unknown }
      | { is: "open"; id: number; opening: unknown },
  ): Promise<void> {
    const { id } = message;
    try {
      const tab =
        message.is === "open"
          ? await this.#parts.collector.open(openingFromJson(message.opening))
          : await this.#credit(message.redemption);
      if (this.#isOver) return;
      const share = this.#shareOf(tab.payer, tab.tab);
      this.#send({ is: "done", id, ...(share && { state: stateOf(share, 0n) }) });
    } catch (error) {
      if (!this.#isOver) this.#send({ is: "done", id, failed: asTold(error) });
    }
  }

  async #credit(json: unknown): Promise<SharedTab> {
    const redemption = redemptionFromJson(json);
    const { payer, tab: id } = redemption.voucher;
    const share = this.#shareOf(payer, id);
    if (share === undefined) {
      throw new BlockcloudError("CASHIER_TAB_ENDED", `Tab ${id} is not known here.`);
    }
    const { tab } = share;
    const { collector, till } = this.#parts;
    const before = tab.paid;
    await tab.credit(redemption);
    const quote = collector.quote(payer);
    const { maxTrancheBytes: bytes } = till.limits;
    const largest = costOf(quote.price, { bytes, requests: 0, milliseconds: 0 });
    if (!this.#isOver) this.#account(share).credited(before, quote, largest, 0);
    return tab;
  }

  #tell(share: RemoteShare, more = 0n): void {
    this.#send({ is: "state", state: stateOf(share, more) });
  }
}

function least(...amounts: readonly bigint[]): bigint {
  return amounts.reduce((a, b) => (a < b ? a : b));
}

function stateOf({ tab, seen }: RemoteShare, more: bigint): TabStateJson {
  const { payer, signer, salt, expiresAt, limit, charged, paid, revealed, last } = tab;
  return {
    ...{ payer, tab: tab.tab, signer, salt, expiresAt },
    ...{ limit: String(limit), charged: String(charged), paid: String(paid) },
    ...{ revealed: String(revealed), seen: String(seen), more: String(more) },
    ...(last && { last: toJson(last) }),
  };
}

/** An error as the other process may know it. */
function asTold(error: unknown): { code: string; message: string } {
  if (!(error instanceof BlockcloudError)) {
    return { code: "CASHIER_BUSY", message: "The process that keeps the books has failed." };
  }
  return { code: error.code, message: error.message.slice(0, 1_024) };
}
