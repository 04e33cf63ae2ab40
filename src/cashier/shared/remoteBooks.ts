import type { Address, Hex } from "viem";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { Redemption } from "../../protocol/voucher.ts";
import type { Scheduler } from "../../node/scheduler.ts";
import { cashierError, cashierErrors } from "../errors.ts";
import { toJson } from "../json.ts";
import type { ChargeKind, CollectorTab, TabOpening } from "../tabs.ts";
import type { Holding, TabState, ToKeeper } from "./messages.ts";
import { fromKeeperSchema } from "./messages.ts";
import { RemoteTab, type RemoteHost } from "./remoteTab.ts";

/** How long the process that keeps the books may take, milliseconds: it may have to wait for the chain, or be replaced. */
const ANSWER_MS = 60_000;
/** Questions that wait. */
const MOST_WAITING = 4_096;

interface Waiting {
  question: ToKeeper & { id: number };
  resolve(state: TabState | undefined): void;
  reject(error: Error): void;
}

/** The tabs of a service whose books another process keeps. Questions wait until there is one. */
export class RemoteBooks implements RemoteHost {
  readonly #clock: Scheduler;
  /** A tab may have room again. */
  readonly #refilled: (tab: Pick<CollectorTab, "payer" | "tab">) => void;
  readonly #tabs = new Map<string, RemoteTab>();
  readonly #waiting = new Map<number, Waiting>();
  #send: ((message: ToKeeper) => void) | undefined;
  #lastId = 0;

  constructor(clock: Scheduler, refilled: (tab: Pick<CollectorTab, "payer" | "tab">) => void) {
    this.#clock = clock;
    this.#refilled = refilled;
  }

  find(payer: Address, tab: Hex): RemoteTab | undefined {
    return this.#tabs.get(keyOf({ payer, tab }));
  }

  /** Goes on with a tab that was this process's own. */
  adopt(tab: CollectorTab, share: { session: bigint; request: bigint }): RemoteTab {
    const remote = new RemoteTab(tab, this);
    remote.last = tab.last;
    remote.session = share.session;
    remote.request = share.request;
    this.#tabs.set(keyOf(tab), remote);
    return remote;
  }

  /**
   * Another process keeps the books from now on.
   *
   * @param send Ordered; its process knows what {@link holdings} gave.
   */
  attach(send: (message: ToKeeper) => void): void {
    this.#send = send;
    for (const { question } of this.#waiting.values()) send(question);
  }

  /** What the next process must know. After this, {@link attach} follows. */
  holdings(): Holding[] {
    this.detach();
    const all = [...this.#tabs.values()].map((tab) => tab.hold());
    return all.filter(({ session, request, unsent }) => session + request + unsent > 0n);
  }

  /** The process that kept the books is gone. */
  detach(): void {
    if (this.#send === undefined) return;
    this.#send = undefined;
    for (const tab of this.#tabs.values()) tab.closed(undefined);
  }

  /**
   * Takes a message of the process that keeps the books.
   *
   * @throws ZodError if it is none.
   */
  take(json: unknown): void {
    const message = fromKeeperSchema.parse(json);
    switch (message.is) {
      case "state":
        this.#see(message.state);
        break;
      case "ended": {
        this.#tabs.get(keyOf(message))?.end(toldError(message.why));
        break;
      }
      case "done": {
        const { id, state, failed } = message;
        const waiting = this.#waiting.get(id);
        this.#waiting.delete(id);
        if (state !== undefined) this.#see(state);
        if (failed === undefined) waiting?.resolve(state);
        else waiting?.reject(toldError(failed));
        break;
      }
      case "closed": {
        this.#send = undefined;
        const seen = new Map(message.seen.map((each) => [keyOf(each), each.amount]));
        for (const [key, tab] of this.#tabs) tab.closed(seen.get(key) ?? 0n);
      }
    }
  }

  /** Opens a tab, or raises it. */
  async open(opening: TabOpening): Promise<RemoteTab> {
    const state = await this.#ask({ is: "open", id: 0, opening: toJson(opening) });
    const tab = state && this.#tabs.get(keyOf(state));
    if (tab !== undefined) return tab;
    throw cashierError("busy", "The process that keeps the books does not know the tab.");
  }

  // RemoteHost

  charge({ payer, tab }: RemoteTab, amount: bigint, by: ChargeKind): void {
    this.#send?.({ is: "charge", payer, tab, amount: String(amount), by });
  }

  want({ payer, tab }: RemoteTab, amount: bigint): void {
    this.#send?.({ is: "want", payer, tab, amount: String(amount) });
  }

  giveBack({ payer, tab }: RemoteTab, amount: bigint, by: ChargeKind): void {
    this.#send?.({ is: "return", payer, tab, amount: String(amount), by });
  }

  reveal({ payer, tab }: RemoteTab, redemption: Redemption): void {
    this.#send?.({ is: "reveal", payer, tab, redemption: toJson(redemption) });
  }

  async credit(redemption: Redemption): Promise<void> {
    await this.#ask({ is: "credit", id: 0, redemption: toJson(redemption) });
  }

  #see(state: TabState): void {
    const key = keyOf(state);
    const known = this.#tabs.get(key) ?? new RemoteTab(state, this);
    this.#tabs.set(key, known);
    known.see(state);
    this.#refilled(known);
  }

  /** Both kinds of question may be asked twice: a voucher and an authorization count once. */
  async #ask(question: Extract<ToKeeper, { id: number }>): Promise<TabState | undefined> {
    if (this.#waiting.size >= MOST_WAITING) {
      throw cashierError("busy", `${MOST_WAITING} questions wait for the process with the books.`);
    }
    this.#lastId += 1;
    const id = this.#lastId;
    const asked = { ...question, id };
    const { promise, resolve, reject } = Promise.withResolvers<TabState | undefined>();
    this.#waiting.set(id, { question: asked, resolve, reject });
    const cancel = this.#clock.after(ANSWER_MS, () => {
      this.#waiting.delete(id);
      reject(cashierError("busy", "The process that keeps the books does not answer."));
    });
    this.#send?.(asked);
    try {
      return await promise;
    } finally {
      cancel();
    }
  }
}

/** An error of the other process; its text has the remedy already. */
function toldError({ code, message }: { code: string; message: string }): BlockcloudError {
  const retryable = code === cashierErrors.busy || code === cashierErrors.chain;
  return new BlockcloudError(code, message, { retryable });
}

function keyOf({ payer, tab }: { payer: Address; tab: Hex }): string {
  return `${payer}/${tab}`.toLowerCase();
}
