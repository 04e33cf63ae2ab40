import type { Startable } from "../../../node/lifecycle.ts";
import type { Logger } from "../../../node/logger.ts";
import type { Timers } from "../../../node/timers.ts";
import type { Authorizations, Transfer } from "./authorizations.ts";
import { readExactPayment } from "./exactText.ts";
import type { ExactPayment } from "./facilitator.ts";
import type { Review } from "./reviewRows.ts";
import type { Settler } from "./settler.ts";
import { nameOf } from "./paymentKey.ts";
import type { PaymentStore } from "./store.ts";

/** Between two rounds, milliseconds. */
const EVERY_MS = 10_000;
/** Payments of a round: each costs a request to the chain. */
const MOST = 64;
/** A payment is looked for so long before its end that it can still be settled once more, seconds. */
const BEFORE_END_S = 12;
/** Between two looks at a payment that has vanished, seconds. */
const AGAIN_S = 10;

/** What happens to payments that were settled. */
export interface ReviewObserver {
  /** The transfer of a payment has vanished from the chain. */
  vanished(): void;
  /** It can never come back: its answer was served unpaid. */
  lost(): void;
}

export interface ReviewerDependencies {
  store: PaymentStore;
  books: Pick<Authorizations, "look" | "proves">;
  settler: Settler;
  observer: ReviewObserver;
  /** The chain's time, Unix seconds. */
  now(): number;
  timers: Timers;
  log: Logger;
}

/**
 * Looks for settled transfers on chain again, once before and once after their authorization ends: a reorganisation
 * may take one away that was deep enough to be served. It is settled once more while its authorization holds.
 */
export class Reviewer implements Startable {
  readonly #d: ReviewerDependencies;
  /** After the end of an authorization a transfer is final after this time, seconds. */
  readonly #finalS: number;
  readonly #stopping = new AbortController();
  /** Payments whose transfer has vanished, by name. */
  readonly #vanished = new Set<string>();
  #loop: Promise<void> = Promise.resolve();

  constructor(options: { finalSeconds: number }, dependencies: ReviewerDependencies) {
    this.#d = dependencies;
    this.#finalS = options.finalSeconds;
  }

  start(): Promise<void> {
    this.#loop = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  /** Looks for the payments that are due. */
  async round(): Promise<void> {
    const { store, now, log } = this.#d;
    for (const due of store.reviews.due(now(), MOST)) {
      this.#stopping.signal.throwIfAborted();
      try {
        await store.reviews.done(due.key, await this.#review(due));
      } catch (error) {
        log.warn("the chain does not show a payment now", { nonce: due.key.nonce, error });
        return;
      }
    }
  }

  async #run(): Promise<void> {
    const { timers, log } = this.#d;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.round().catch((error: unknown) => {
        if (!signal.aborted) log.error("the review of payments failed", { error });
      });
      await timers.sleep(EVERY_MS, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }

  /** @returns When to look again, Unix seconds; undefined: never. */
  async #review(due: Review): Promise<number | undefined> {
    const { store, books, now, log } = this.#d;
    const payment = readExactPayment(due.payload);
    const { asset, payload } = payment;
    const transfer: Transfer = { asset, authorization: payload.authorization };
    const { transaction } = due;
    if (transaction !== undefined && (await books.proves(transaction, transfer))) {
      return this.#next(due.endsAt);
    }
    const found = await books.look(transfer);
    if (found.state === "used") {
      await store.update(due.key, { transaction: found.transaction });
      return this.#next(due.endsAt);
    }
    const { nonce } = due.key;
    this.#notice(nameOf(due.key), { nonce, transaction });
    if (found.state === "void") {
      log.error("a payment is lost: its transfer has vanished from the chain", {
        ...{ nonce, asset, payer: due.key.payer, reason: found.reason },
      });
      this.#d.observer.lost();
      this.#vanished.delete(nameOf(due.key));
      return undefined;
    }
    if (now() < due.endsAt) await this.#settleAgain(due, payment);
    return now() + AGAIN_S;
  }

  async #settleAgain({ key }: Review, payment: ExactPayment): Promise<void> {
    const { settler, store, log } = this.#d;
    const settled = await settler.settle(nameOf(key), payment);
    if (settled.state !== "used") return;
    const { transaction } = settled;
    await store.update(key, { transaction });
    this.#vanished.delete(nameOf(key));
    log.info("a payment was settled once more", { nonce: key.nonce, transaction });
  }

  #notice(name: string, about: { nonce: string; transaction: string | undefined }): void {
    if (this.#vanished.has(name)) return;
    this.#vanished.add(name);
    this.#d.observer.vanished();
    this.#d.log.warn("the transfer of a payment has vanished from the chain", about);
  }

  #next(endsAt: number): number | undefined {
    const time = this.#d.now();
    return [endsAt - BEFORE_END_S, endsAt + this.#finalS].find((moment) => moment > time);
  }
}
