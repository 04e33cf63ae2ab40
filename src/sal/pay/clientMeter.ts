import { cashierError } from "../../cashier/errors.ts";
import type { Use } from "../../cashier/price.ts";
import type { Quote } from "../../cashier/quote.ts";
import type { Logger } from "../../node/logger.ts";
import type { Scheduler } from "../../node/scheduler.ts";
import type { BlockcloudError } from "../../protocol/errors.ts";
import { HTTP_PORT } from "../../protocol/exchange.ts";
import { parseServiceId, rootServiceId } from "../../protocol/serviceId.ts";
import { salError, salErrors } from "../errors.ts";
import type { Flow } from "../session/flow.ts";
import type { FlowMeter, MeteredFlow } from "./meteredFlow.ts";
import { isDearer, PaidTab } from "./paidTab.ts";
import { walletError, type Payer } from "./payer.ts";
import type { PayingHost } from "./payingHost.ts";
import { encodePay, PayKind, type PayFrame } from "./payFrame.ts";
import { decodeQuote, QuoteKind, type OfferFrame, type StateFrame } from "./quoteFrame.ts";
import { TabOffer } from "./tabOffer.ts";
import { leastUse, NO_USE, UseCount } from "./useCount.ts";

/** The provider may count a flow's time for longer than this side does, milliseconds. */
const SLACK_MS = 1_000;
/** A tab is raised when less than this part of the least limit is left. */
const LOW_PART = 4n;
/** While the provider must say first what it has served, this part of a tranche passes between two looks. */
const STEP_PART = 4n;
/** How long a failed attempt to get a tab holds, milliseconds. */
const RETRY_MS = 5_000;

/**
 * Counts the use of a session's flows as the provider does, and pays it from the wallet, a tranche at a time. It pays
 * what it has counted itself. What it cannot count, requests within a flow and the provider's time, it believes within
 * bounds: a request needs a turn of the program to send, and time needs open flows.
 */
export class ClientMeter implements FlowMeter {
  bytes = 0;
  limit = Number.MAX_SAFE_INTEGER;
  readonly #payer: Payer;
  readonly #host: PayingHost;
  readonly #clock: Scheduler;
  readonly #log: Logger;
  readonly #own: UseCount;
  /** As the provider counts. */
  #told: Use = NO_USE;
  #quote: Quote | undefined;
  /** As the provider told it. */
  #tranche = 0n;
  readonly #offered: TabOffer;
  #paid: PaidTab | undefined;
  #isOpening = false;
  /** Why the client does not pay, and since when. */
  #refusal: BlockcloudError | undefined;
  #refusedAt = 0;
  /** How far the tab was paid when a higher limit was asked for, BLOC in wei. */
  #raisedAt = -1n;
  #isOver = false;
  /** Vouchers that are being signed. */
  #signing = 0;

  constructor(payer: Payer, host: PayingHost, { clock, log }: { clock: Scheduler; log: Logger }) {
    this.#payer = payer;
    this.#host = host;
    this.#clock = clock;
    this.#log = log;
    this.#own = new UseCount(() => clock.monotonic());
    this.#offered = new TabOffer({
      ...{ payer, serviceId: host.serviceId },
      send: (frame) => {
        this.#send(frame);
      },
      quote: () => (this.#isOver ? undefined : this.#quote),
    });
  }

  /** A flow is registered. */
  opened(flow: Flow): void {
    if (flow.port !== HTTP_PORT) this.#own.requests += 1;
    this.#run();
    const isOld = this.#clock.monotonic() - this.#refusedAt >= RETRY_MS;
    if (this.#refusal !== undefined && isOld && this.#paid === undefined) void this.#open();
  }

  /** A flow is over. */
  changed(): void {
    this.#run();
  }

  /** Whether all that this side has counted is paid. */
  get isSettled(): boolean {
    return this.#signing === 0 && (this.#paid?.ledger.unpaid ?? 0n) <= 0n;
  }

  stop(): void {
    this.#isOver = true;
    this.#run();
    this.#paid?.count(this.#use);
    this.#leave();
  }

  /** The payload of QUOTE. */
  quote(payload: Buffer): void {
    const frame = decodeQuote(payload);
    if (frame === undefined) return;
    if (frame.kind === QuoteKind.offer) {
      this.#offer(frame);
      return;
    }
    this.#told = frame.use;
    switch (frame.kind) {
      case QuoteKind.prove:
        this.#offered.prove(frame).catch((error: unknown) => {
          this.#refuse(walletError(error));
        });
        break;
      case QuoteKind.opened:
        this.#attach(frame);
        break;
      default:
        this.#bill(frame);
    }
  }

  // FlowMeter

  reached(): boolean {
    this.#payDue(false);
    return true;
  }

  waits(): void {
    // There is always room: this side only counts.
  }

  turned(flow: MeteredFlow): void {
    if (flow.port === HTTP_PORT) this.#own.requests += 1;
  }

  explain(error: BlockcloudError): BlockcloudError {
    const refusal = this.#refusal;
    if (refusal === undefined || error.code !== salErrors.unpaid) return error;
    const { remedy } = refusal;
    return salError("unpaid", `The service is not paid: ${refusal.message}`, {
      cause: refusal,
      remedy: remedy ?? "",
    });
  }

  /** The use, as far as this side has counted it. */
  get #use(): Use {
    const own = this.#own.use(this.bytes);
    const most = { ...own, milliseconds: own.milliseconds + SLACK_MS };
    return leastUse(most, { ...this.#told, bytes: own.bytes });
  }

  #offer({ quote, use, hasEnded }: OfferFrame): void {
    const before = this.#quote;
    const root = rootServiceId(parseServiceId(this.#host.serviceId).prefix);
    if (quote.service !== root) {
      this.#refuse(cashierError("quote", `The quote is for ${quote.service}, not for ${root}.`));
      return;
    }
    this.#told = use;
    this.#quote = quote;
    const paid = this.#paid;
    const { serviceId } = this.#host;
    this.#payer.observer.quoted?.({ serviceId, price: quote.price });
    if (paid === undefined) {
      void this.#open();
      return;
    }
    paid.count(this.#usedAt(use));
    if (hasEnded) {
      this.#payDue(true);
      this.#leave();
      paid.tab.end();
      void this.#open();
      return;
    }
    if (before !== undefined && isDearer(quote.price, before.price)) {
      void this.#part(paid);
      return;
    }
    paid.requote(quote, this.#usedAt(use));
    this.#tranche = 0n;
    this.#payDue(false);
  }

  /** The use at the moment in which the provider had counted a use: not more than this side has counted. */
  #usedAt(use: Use): Use {
    const own = this.#own.use(this.bytes);
    return leastUse({ ...own, milliseconds: own.milliseconds + SLACK_MS }, use);
  }

  async #open(): Promise<void> {
    if (this.#isOpening) return;
    this.#isOpening = true;
    try {
      for (let quote = this.#quote; quote !== undefined;) {
        this.#refusal = undefined;
        await this.#offered.open(quote);
        // Another one may have come meanwhile.
        quote = this.#quote === quote ? undefined : this.#quote;
      }
    } catch (error) {
      this.#refuse(walletError(error));
    } finally {
      this.#isOpening = false;
    }
  }

  /** The provider charges the tab from here on. */
  #attach({ tab: id, use, charged, tranche }: StateFrame): void {
    const { tab, quote } = this.#offered.find(id) ?? {};
    if (tab === undefined || quote === undefined) return;
    const from = this.#usedAt(use);
    if (this.#paid !== undefined) {
      this.#paid.count(from);
      this.#payDue(true);
      this.#leave();
    }
    const paid = new PaidTab(tab, quote, from, this.#payer, this.#host.serviceId);
    this.#paid = paid;
    paid.told(charged);
    if (paid.ledger.sessions.size === 0 || !paid.ledger.isKnown) paid.balance(charged);
    paid.ledger.sessions.add(this);
    this.#tranche = tranche;
    this.#payDue(false);
  }

  #bill({ kind, tab, charged, tranche }: StateFrame): void {
    const paid = this.#paid;
    if (paid?.tab.tab !== tab) return;
    this.#tranche = tranche;
    paid.told(charged);
    paid.count(this.#use);
    const isIdle = this.#host.flows.size === 0;
    // Both sides have the same bytes then; a credit, as from requests over HTTP, is used up first.
    if (isIdle && kind === QuoteKind.bill && paid.ledger.sessions.size === 1) paid.balance(charged);
    const isWarning = kind === QuoteKind.warning;
    this.#payDue(isIdle || isWarning);
    // There is nothing to pay, so it is the tab that is full.
    const { cumulative, authorization } = paid.tab;
    const isFull = authorization.limit - cumulative < paid.tranche(tranche);
    if (isWarning && isFull) void this.#raise(paid, authorization.limit);
  }

  /**
   * Counts, and pays what is due.
   *
   * @param isAll Whether less than a tranche is paid, too.
   */
  #payDue(isAll: boolean): void {
    const paid = this.#paid;
    if (paid === undefined) {
      this.limit = Number.MAX_SAFE_INTEGER;
      return;
    }
    paid.count(this.#use);
    const { ledger, tab } = paid;
    const tranche = paid.tranche(this.#tranche);
    const due = paid.due(tranche);
    if (due > 0n && (isAll || due >= tranche)) void this.#pay(paid, due);
    const { perByte } = paid.price;
    const [room, step] = [tranche - ledger.unpaid, tranche / STEP_PART];
    const left = (room > step ? room : step) / BigInt(Math.max(1, ledger.sessions.size));
    const bytes = perByte === 0n ? BigInt(Number.MAX_SAFE_INTEGER) : left / perByte;
    this.limit = Math.min(Number.MAX_SAFE_INTEGER, this.bytes + Math.max(1, Number(bytes)));
    const { limit } = tab.authorization;
    const low = (this.#quote?.leastLimit ?? 0n) / LOW_PART;
    const isLow = limit - tab.cumulative < low;
    if (isLow && tab.cumulative >= this.#raisedAt + tranche) {
      this.#raisedAt = tab.cumulative;
      void this.#raise(paid, limit);
    }
  }

  async #pay(paid: PaidTab, due: bigint): Promise<void> {
    this.#signing += 1;
    try {
      const voucher = await paid.pay(due);
      this.#send({ kind: PayKind.voucher, tab: paid.tab.tab, voucher });
    } catch (error) {
      const { authorization, cumulative } = paid.tab;
      const isFull = authorization.limit - cumulative < due;
      if (isFull && (await this.#raise(paid, authorization.limit))) {
        this.#payDue(true);
        return;
      }
      this.#fail(walletError(error));
    } finally {
      this.#signing -= 1;
    }
  }

  /** Asks the wallet for a higher limit; returns whether there is one. */
  async #raise(paid: PaidTab, before: bigint): Promise<boolean> {
    try {
      return await this.#offered.raise(paid.tab, before);
    } catch (error) {
      // The tab serves until it is full.
      this.#log.debug("a tab could not be raised", { tab: paid.tab.tab, error });
      return false;
    }
  }

  /** Ends the session, because its price was raised: what was used before is paid. A further session may accept it. */
  async #part(paid: PaidTab): Promise<void> {
    this.#leave();
    const due = paid.due(paid.tranche(this.#tranche));
    if (due > 0n) await this.#pay(paid, due);
    this.#host.leave(cashierError("quote", "The service has raised its price."));
  }

  /** The client does not pay: what it has opened ends when the provider serves no more. */
  #refuse(error: BlockcloudError): void {
    if (this.#isOver) return;
    this.#refusal = error;
    this.#refusedAt = this.#clock.monotonic();
    const { serviceId } = this.#host;
    this.#log.warn("the service is not paid", { serviceId, code: error.code, error });
    this.#send({ kind: PayKind.decline });
  }

  /** The client cannot pay any more what it uses: its flows end at once. */
  #fail(error: BlockcloudError): void {
    if (this.#isOver) return;
    this.#refuse(error);
    const unpaid = this.explain(salError("unpaid", error.message));
    for (const flow of [...this.#host.flows.values()]) flow.destroy(unpaid);
  }

  #send(frame: PayFrame): void {
    if (!this.#isOver) this.#host.pay(encodePay(frame));
  }

  #leave(): void {
    this.#paid?.ledger.sessions.delete(this);
    this.#paid = undefined;
    this.limit = Number.MAX_SAFE_INTEGER;
  }

  #run(): void {
    this.#own.run(this.#host.flows.size > 0 && !this.#isOver);
  }
}
