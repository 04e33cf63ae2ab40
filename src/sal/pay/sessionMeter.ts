import { costOf } from "../../cashier/price.ts";
import type { Quote } from "../../cashier/quote.ts";
import type { CollectorTab } from "../../cashier/tabs.ts";
import { HTTP_PORT } from "../../protocol/exchange.ts";
import type { BlockcloudError } from "../../protocol/errors.ts";
import type { Flow } from "../session/flow.ts";
import { Charge } from "./charge.ts";
import { setPayment } from "./flowPayment.ts";
import { Hold } from "./hold.ts";
import type { FlowMeter, MeteredFlow } from "./meteredFlow.ts";
import { PayDesk } from "./payDesk.ts";
import { decodePay } from "./payFrame.ts";
import { encodeQuote, QuoteKind, type StateKind } from "./quoteFrame.ts";
import type { TabAccount, TabUser } from "./tabAccount.ts";
import { stateOf, unpaid } from "./telling.ts";
import type { Till } from "./till.ts";
import { UseCount } from "./useCount.ts";

/** The session, as its meter needs it. */
export interface MeterHost {
  /** The client's, by which the allowance counts. */
  readonly address: string;
  readonly isLinked: boolean;
  /** Milliseconds. */
  readonly srtt: number;
  readonly flows: ReadonlyMap<number, Flow>;
  /** Sends a QUOTE. */
  quote(payload: Buffer): void;
}

/** Bytes of the allowance that a session takes at once. */
const CHUNK = 64 * 1024;
/** A session without a tab gets a new quote with its next flow after this time, milliseconds. */
const QUOTE_MS = 1_800_000;
/** How often time is charged, milliseconds. */
const TICK_MS = 1_000;
/** A charge of this part of a tranche is told, if the client cannot count it. */
const BILLED_PART = 2n;
/** A tranche that has changed by more than this part is told. */
const TOLD_PART = 8n;

/**
 * Meters the flows of a session with a priced service. They draw on the peer's free allowance until the client's tab
 * is there, and are charged to the tab from then on. When the allowance is used up, or the tab's window is full, no
 * byte passes: first with a warning, and after a time without payment the flows end with `SAL_UNPAID`.
 */
export class SessionMeter implements FlowMeter, TabUser {
  bytes = 0;
  limit = 0;
  readonly #till: Till;
  readonly #host: MeterHost;
  readonly #count: UseCount;
  readonly #desk: PayDesk;
  /** Flows with frames that wait for room. */
  readonly #waiting = new Set<MeteredFlow>();
  /** Bytes of the largest of these frames; 0: none. */
  #needed = 0;
  /** Requests that wait for room. */
  #requests = new Set<() => void>();
  #quote: Quote;
  #charge: Charge | undefined;
  #hold: Hold | undefined;
  /** Why flows were ended; new ones are refused until there is room. */
  #cut: BlockcloudError | undefined;
  #hasDeclined = false;
  #isOver = false;
  #toldTranche = 0n;
  #toldCharged = 0n;
  #quotedAt = 0;
  #unlisten = () => {};
  #cancelTick: (() => void) | undefined;

  constructor(till: Till, host: MeterHost) {
    this.#till = till;
    this.#host = host;
    this.#count = new UseCount(() => till.clock.monotonic());
    this.#quote = till.collector.quote();
    this.#desk = new PayDesk(till, {
      address: host.address,
      service: this.#quote.service,
      attach: (tab) => {
        this.#attach(tab);
      },
      prove: (tab) => {
        this.#tell(QuoteKind.prove, tab);
      },
      credited: (before) => {
        this.#credited(before);
      },
      declined: () => {
        this.#hasDeclined = true;
        this.#wake();
        if (this.#needed > 0) this.#end(this.#unpaid());
      },
      refused: (error) => {
        this.#end(this.#unpaid(`the payment was refused (${error.code}): ${error.message}`));
      },
    });
  }

  /** The session begins: tells the price. */
  start(): void {
    this.#offer(false);
  }

  /** The payload of PAY. */
  pay(payload: Buffer): void {
    this.#desk.take(decodePay(payload, this.#quote));
  }

  /** The provider's price has changed: the new one counts from here on. */
  requote(): void {
    this.#flush();
    const { account } = this.#charge ?? {};
    this.#quote = this.#till.collector.quote(account?.tab.payer);
    if (account !== undefined) this.#begin(account);
    this.#offer(false);
    this.#check();
  }

  /** Why no flow may be opened now. */
  get refusal(): BlockcloudError | undefined {
    if (this.#cut !== undefined) this.#check();
    return this.#cut;
  }

  /** A flow is registered. */
  opened(flow: Flow): void {
    setPayment(flow, {
      // A flow of another port was counted when it was opened.
      request: () => (flow.port === HTTP_PORT ? this.request(flow) : Promise.resolve("charged")),
      waive: () => (flow as MeteredFlow).waive(),
    });
    this.#run();
    this.#tick();
    const { account, quote } = this.#charge ?? {};
    if (quote !== undefined && this.#host.flows.size === 1) account?.begins(quote);
    // The salt of an old quote opens no tab any more.
    const isOld = this.#till.clock.monotonic() - this.#quotedAt > QUOTE_MS;
    if (isOld && this.#charge === undefined) this.requote();
  }

  /**
   * Counts the opening of a flow, before it is served. On the port of the gateway each request counts instead.
   *
   * @throws BlockcloudError `SAL_UNPAID`.
   */
  async admit(flow: Flow): Promise<void> {
    if (flow.port === HTTP_PORT || (await this.request(flow)) !== "unpaid") return;
    throw this.#cut ?? this.#unpaid();
  }

  /** A flow is over, or the session's link has come or gone. */
  changed(): void {
    this.#run();
    this.#wake();
    if (this.#host.flows.size > 0 || this.#waiting.size > 0) return;
    this.#flush();
    this.#giveBack();
    this.#needed = 0;
    this.#unhold();
    const { charged, paid } = this.#charge?.account.tab ?? { charged: 0n, paid: 0n };
    if (charged > paid) this.#tell(QuoteKind.bill);
  }

  stop(): void {
    this.#isOver = true;
    this.#flush();
    this.#giveBack();
    this.#leave();
    this.#desk.stop();
    this.#unhold();
    this.#cancelTick?.();
    this.#waiting.clear();
    this.#wake();
  }

  /** Counts a request of a flow; see `FlowPayment`. */
  async request(flow: Flow): Promise<"charged" | "free" | "unpaid"> {
    for (;;) {
      if (this.#isOver || this.#cut !== undefined || flow.destroyed) return "unpaid";
      const paid = this.#takeRequest();
      if (paid !== undefined) return paid;
      if (this.#hasDeclined) return "unpaid";
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const wake = () => {
        resolve(undefined);
      };
      this.#requests.add(wake);
      this.#wait();
      await promise;
      this.#requests.delete(wake);
    }
  }

  // FlowMeter

  reached(needed: number): boolean {
    this.#extend(needed);
    if (this.limit - this.bytes >= needed) return true;
    this.#needed = Math.max(this.#needed, needed);
    this.#wait();
    return false;
  }

  waits(flow: MeteredFlow): void {
    this.#waiting.add(flow);
  }

  turned(): void {
    // The gateway counts requests.
  }

  explain(error: BlockcloudError): BlockcloudError {
    return error;
  }

  // TabUser

  get granted(): bigint {
    return this.#charge?.granted(this.#use, this.limit - this.bytes) ?? 0n;
  }

  credited(): void {
    const { tranche = 0n } = this.#charge ?? {};
    const difference = tranche - this.#toldTranche;
    const size = difference < 0n ? -difference : difference;
    if (TOLD_PART * size > tranche) this.#tell(QuoteKind.bill);
    this.#check();
  }

  get #use() {
    return this.#count.use(this.bytes);
  }

  #attach(tab: CollectorTab): void {
    if (this.#isOver || this.#charge?.account.tab === tab) return;
    this.#flush();
    this.#giveBack();
    this.#leave();
    this.#begin(this.#till.join(tab, this));
    this.#hasDeclined = false;
    const unlisten = tab.onEnd(() => {
      this.#ended(tab);
    });
    // The listener may have been called at once.
    if (this.#charge?.account.tab !== tab) return;
    this.#unlisten = unlisten;
    this.#tell(QuoteKind.opened);
    this.#check();
  }

  /** Charges what is used from now on, at the present price. */
  #begin(account: TabAccount): void {
    this.#charge = new Charge(account, this.#quote, this.#use);
    this.limit = this.bytes;
  }

  /** The tab serves no more: the client is asked for another one. */
  #ended(tab: CollectorTab): void {
    if (this.#charge?.account.tab !== tab) return;
    this.#flush();
    this.#giveBack();
    this.#leave();
    this.#desk.detach();
    this.#quote = this.#till.collector.quote(tab.payer);
    this.#offer(true);
    this.#check();
  }

  #leave(): void {
    this.#unlisten();
    this.#unlisten = () => {};
    const { account } = this.#charge ?? {};
    this.#charge = undefined;
    if (account !== undefined) this.#till.leave(account, this);
  }

  #credited(before: bigint): void {
    const { account, quote } = this.#charge ?? {};
    if (account === undefined || quote === undefined) return;
    const { maxTrancheBytes: bytes } = this.#till.limits;
    const largest = costOf(quote.price, { bytes, requests: 0, milliseconds: 0 });
    account.credited(before, quote, largest, this.#host.srtt);
    this.#check();
  }

  #flush(): void {
    this.#charge?.flush(this.#use);
  }

  #takeRequest(): "charged" | "free" | undefined {
    const charge = this.#charge;
    if (charge === undefined) {
      if (!this.#till.allowance.takeRequest(this.#host.address)) return undefined;
    } else if (!charge.fits(this, charge.quote.price.perRequest)) return undefined;
    this.#count.requests += 1;
    this.#flush();
    this.#billUncounted();
    return charge === undefined ? "free" : "charged";
  }

  /** The client counts no requests within a flow and not this side's time: it is told before a tranche is full. */
  #billUncounted(): void {
    const charge = this.#charge;
    if (charge === undefined) return;
    const told = charge.account.tab.charged - this.#toldCharged;
    if (BILLED_PART * told >= charge.tranche) this.#tell(QuoteKind.bill);
  }

  /** Lets more bytes pass: at least a number, if there is room. */
  #extend(needed: number): void {
    if (this.#charge !== undefined) {
      this.#flush();
      const bytes = this.#charge.bytesFor(this, needed);
      this.limit = Math.min(Number.MAX_SAFE_INTEGER, this.bytes + bytes);
      return;
    }
    const missing = needed - (this.limit - this.bytes);
    if (missing <= 0) return;
    const wanted = Math.max(missing, CHUNK);
    this.limit += this.#till.allowance.takeBytes(this.#host.address, wanted);
  }

  /** Nothing passes until there is room: the client is warned. */
  #wait(): void {
    if (this.#hold !== undefined || this.#isOver) return;
    if (this.#hasDeclined) {
      // Not within the call that asks for room: it would go on with flows that have ended.
      queueMicrotask(() => {
        if (this.#needed > 0) this.#end(this.#unpaid());
      });
      return;
    }
    const { clock, limits } = this.#till;
    this.#hold = new Hold({
      clock,
      graceMs: limits.graceMs,
      isExcused: () => !this.#host.isLinked || this.#desk.isBusy,
      check: () => {
        this.#check();
      },
      over: () => {
        this.#late();
      },
    });
    this.#run();
    this.#tell(QuoteKind.warning);
  }

  /** Goes on if there is room. */
  #check(): void {
    this.#wake();
    if (this.#hold === undefined && this.#cut === undefined) {
      const isEmpty = this.limit === this.bytes;
      if (isEmpty && this.#host.flows.size > 0) this.reached(1);
      return;
    }
    const needed = Math.max(1, this.#needed);
    this.#extend(needed);
    if (this.limit - this.bytes < needed) return;
    this.#needed = 0;
    this.#cut = undefined;
    // Requests may wait for more than bytes; the grace goes on for them.
    const { perRequest } = this.#quote.price;
    if (this.#requests.size === 0 || this.#charge?.fits(this, perRequest) === true) this.#unhold();
    this.#run();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const flow of waiting) flow.release();
    for (const flow of this.#host.flows.values()) (flow as MeteredFlow).release();
    if (waiting.length > 0) this.changed();
  }

  #unhold(): void {
    this.#hold?.end();
    this.#hold = undefined;
  }

  /** The grace is over. */
  #late(): void {
    this.#unhold();
    if (this.#charge !== undefined || this.#needed > 0) {
      this.#end(this.#unpaid());
      return;
    }
    // Only requests wait: they are answered one by one.
    this.#hasDeclined = true;
    this.#wake();
  }

  /** Ends all flows. */
  #end(error: BlockcloudError): void {
    if (this.#isOver) return;
    this.#unhold();
    this.#cut = error;
    const flows = [...this.#host.flows.values(), ...this.#waiting];
    this.#waiting.clear();
    for (const flow of flows) flow.destroy(error);
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#requests) wake();
  }

  /** Unused bytes of the allowance are the next session's; those of a tab are its other sessions'. */
  #giveBack(): void {
    const unused = this.limit - this.bytes;
    this.limit = this.bytes;
    if (this.#charge !== undefined || unused === 0) return;
    this.#till.allowance.giveBack(this.#host.address, unused);
  }

  /** Time counts while flows are served. */
  #run(): void {
    const { flows, isLinked } = this.#host;
    this.#count.run(flows.size > 0 && isLinked && this.#hold === undefined && !this.#isOver);
  }

  #tick(): void {
    if (this.#quote.price.perSecond === 0n || this.#host.flows.size === 0) return;
    this.#cancelTick ??= this.#till.clock.after(TICK_MS, () => {
      this.#cancelTick = undefined;
      if (this.#charge !== undefined && this.#hold === undefined) this.reached(1);
      this.#billUncounted();
      this.#tick();
    });
  }

  #unpaid(why?: string): BlockcloudError {
    return unpaid(this.#quote, this.#charge?.account.tab, why);
  }

  #offer(hasEnded: boolean): void {
    const use = this.#use;
    this.#quotedAt = this.#till.clock.monotonic();
    this.#host.quote(encodeQuote({ kind: QuoteKind.offer, quote: this.#quote, use, hasEnded }));
  }

  #tell(kind: StateKind, tab = this.#charge?.account.tab): void {
    const tranche = this.#charge?.tranche ?? 0n;
    this.#toldTranche = tranche;
    this.#toldCharged = tab?.charged ?? 0n;
    const { graceMs } = this.#till.limits;
    this.#host.quote(stateOf(kind, tab, { use: this.#use, tranche, graceMs }));
  }
}
