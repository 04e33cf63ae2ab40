import type { Address } from "viem";
import type { CollectorTab } from "../../cashier/tabs.ts";
import { HTTP_PORT } from "../../protocol/exchange.ts";
import type { BlockcloudError } from "../../protocol/errors.ts";
import type { Flow } from "../session/flow.ts";
import { Billing } from "./billing.ts";
import { payBySession } from "./flowPayment.ts";
import { Hold } from "./hold.ts";
import type { FlowMeter, MeteredFlow } from "./meteredFlow.ts";
import type { MeterHost } from "./meteredSession.ts";
import { PayDesk } from "./payDesk.ts";
import { decodePay } from "./payFrame.ts";
import { QuoteKind } from "./quoteFrame.ts";
import type { TabUser } from "./tabAccount.ts";
import { Ticker } from "./ticker.ts";
import type { Till } from "./till.ts";
import { UseCount } from "./useCount.ts";
import { Waiters } from "./waiters.ts";

/**
 * Meters the flows of a session with a priced service. They draw on the peer's free allowance until the client's tab
 * is there, and are charged to the tab from then on. When the allowance is used up, or the tab's window is full, no
 * byte passes: first with a warning, and after a time without payment the flows end with `SAL_UNPAID`.
 */
export class SessionMeter implements FlowMeter, TabUser {
  bytes = 0;
  limit = 0;
  readonly holdsUnread = true;
  readonly #till: Till;
  readonly #host: MeterHost;
  readonly #count: UseCount;
  readonly #desk: PayDesk;
  /** Flows with frames that wait for room. */
  readonly #waiting = new Set<MeteredFlow>();
  /** Bytes of the largest of these frames; 0: none. */
  #needed = 0;
  /** Requests that wait for room. */
  readonly #requests = new Waiters();
  readonly #billing: Billing;
  #hold: Hold | undefined;
  /** Why flows were ended; new ones are refused until there is room. */
  #cut: BlockcloudError | undefined;
  #hasDeclined = false;
  #isOver = false;
  readonly #ticker: Ticker;

  constructor(till: Till, host: MeterHost) {
    this.#till = till;
    this.#host = host;
    this.#count = new UseCount(() => till.clock.monotonic());
    this.#ticker = new Ticker(till.clock, {
      isNeeded: () => this.#billing.quote.price.perSecond > 0n && host.flows.size > 0,
      act: () => {
        this.#charge();
      },
    });
    this.#billing = new Billing({
      ...{ till, user: this },
      use: () => this.#count.use(this.bytes),
      srtt: () => host.srtt,
      send: (payload) => {
        host.quote(payload);
      },
      ended: (tab) => {
        this.#ended(tab);
      },
    });
    this.#desk = new PayDesk(till, {
      address: host.address,
      service: this.#billing.quote.service,
      attach: (tab) => {
        this.#attach(tab);
      },
      prove: (tab) => {
        this.#billing.tell(QuoteKind.prove, tab);
      },
      credited: (before) => {
        this.#billing.credited(before);
        this.#check();
      },
      declined: () => {
        this.#hasDeclined = true;
        this.#requests.wake();
        if (this.#needed > 0) this.#end(this.#billing.unpaid());
      },
      refused: (error) => {
        this.#end(this.#billing.refused(error));
      },
    });
  }

  /** The session begins: tells the price. */
  start(): void {
    this.#billing.offer(false);
  }

  /** The payload of PAY. */
  pay(payload: Buffer): void {
    this.#desk.take(decodePay(payload, this.#billing.quote));
  }

  /** Why no flow may be opened now. */
  get refusal(): BlockcloudError | undefined {
    if (this.#cut !== undefined) this.#check();
    return this.#cut;
  }

  /** A flow is registered. */
  opened(flow: Flow): void {
    payBySession(flow as MeteredFlow, () => this.request(flow));
    this.#run();
    this.#ticker.plan();
    if (this.#host.flows.size === 1) this.#billing.begins();
    if (this.#billing.charge === undefined && this.#billing.isOld) this.#requote(false);
  }

  /**
   * Counts the opening of a flow, before it is served. On the port of the gateway each request counts instead.
   *
   * @throws BlockcloudError `SAL_UNPAID`.
   */
  async admit(flow: Flow): Promise<void> {
    if (flow.port === HTTP_PORT || (await this.request(flow)) !== "unpaid") return;
    throw this.#cut ?? this.#billing.unpaid();
  }

  /** A flow is over, or the session's link has come or gone. */
  changed(): void {
    this.#run();
    this.#requests.wake();
    if (this.#host.flows.size > 0 || this.#waiting.size > 0) return;
    this.#billing.flush();
    this.#giveBack();
    this.#needed = 0;
    this.#unhold();
    this.#billing.tellRest();
  }

  stop(): void {
    this.#isOver = true;
    this.#giveBack();
    this.#billing.leave();
    for (const part of [this.#desk, this.#ticker]) part.stop();
    this.#unhold();
    this.#waiting.clear();
    this.#requests.wake();
  }

  /** Counts a request of a flow; see `FlowPayment`. */
  async request(flow: Flow): Promise<"charged" | "free" | "unpaid"> {
    for (;;) {
      if (this.#isOver || this.#cut !== undefined || flow.destroyed) return "unpaid";
      const paid = this.#takeRequest();
      if (paid !== undefined) return paid;
      if (this.#hasDeclined) return "unpaid";
      await this.#requests.wait(() => {
        this.#wait();
      });
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

  drained(flow: MeteredFlow): void {
    // The flow may have been over for long, so that its last bytes were not charged.
    if (this.#waiting.delete(flow)) this.changed();
  }

  // TabUser

  get granted(): bigint {
    const use = this.#count.use(this.bytes);
    return this.#billing.charge?.granted(use, this.limit - this.bytes) ?? 0n;
  }

  trim(most: bigint): void {
    const { charge } = this.#billing;
    this.#billing.flush();
    const perByte = charge?.quote.price.perByte ?? 0n;
    if (perByte > 0n) this.limit = Math.min(this.limit, this.bytes + Number(most / perByte));
  }

  credited(): void {
    this.#billing.tellTranche();
    this.#check();
  }

  #attach(tab: CollectorTab): void {
    if (this.#isOver || this.#billing.tab === tab) return;
    this.#giveBack();
    this.#billing.attach(tab);
    if (this.#billing.tab !== tab) return;
    this.#hasDeclined = false;
    this.#billing.tell(QuoteKind.opened);
    this.#check();
  }

  /** The tab serves no more: the client is asked for another one. */
  #ended(tab: CollectorTab): void {
    if (this.#billing.tab !== tab) return;
    this.#giveBack();
    this.#billing.leave();
    this.#desk.detach();
    this.#requote(true, tab.payer);
  }

  /** A new quote counts from here on. */
  #requote(hasEnded: boolean, payer?: Address): void {
    this.#giveBack();
    this.#billing.requote(payer);
    this.#billing.offer(hasEnded);
    this.#check();
  }

  #takeRequest(): "charged" | "free" | undefined {
    const { charge } = this.#billing;
    if (charge === undefined) {
      if (!this.#till.allowance.takeRequest(this.#host.address)) return undefined;
    } else if (!charge.fits(this, charge.quote.price.perRequest)) return undefined;
    this.#count.requests += 1;
    this.#billing.flush();
    this.#billing.tellServed();
    return charge === undefined ? "free" : "charged";
  }

  /** Lets more bytes pass: at least a number, if there is room. */
  #extend(needed: number): void {
    const { charge } = this.#billing;
    if (charge !== undefined) {
      this.#billing.flush();
      this.#billing.tellServed();
      this.limit = Math.min(Number.MAX_SAFE_INTEGER, this.bytes + charge.bytesFor(this, needed));
      return;
    }
    const missing = needed - (this.limit - this.bytes);
    if (missing > 0) this.limit += this.#till.takeFree(this.#host.address, missing);
  }

  /** Nothing passes until there is room: the client is warned. */
  #wait(): void {
    if (this.#hold !== undefined || this.#isOver) return;
    if (this.#hasDeclined) {
      // Not within the call that asks for room: it would go on with flows that have ended.
      queueMicrotask(() => {
        if (this.#needed > 0) this.#end(this.#billing.unpaid());
      });
      return;
    }
    this.#hold = new Hold({
      clock: this.#till.clock,
      graceMs: this.#till.limits.graceMs,
      isExcused: () => !this.#host.isLinked || this.#desk.isBusy,
      check: () => {
        this.#check();
      },
      over: () => {
        this.#late();
      },
    });
    this.#run();
    this.#billing.tell(QuoteKind.warning);
  }

  /** Goes on if there is room. */
  #check(): void {
    const { flows } = this.#host;
    this.#requests.wake();
    if (this.#hold === undefined && this.#cut === undefined) {
      if (this.limit > this.bytes || flows.size === 0 || !this.reached(1)) return;
      for (const flow of flows.values()) (flow as MeteredFlow).release();
      return;
    }
    const needed = Math.max(1, this.#needed);
    this.#extend(needed);
    if (this.limit - this.bytes < needed) return;
    this.#needed = 0;
    this.#cut = undefined;
    // Requests may wait for more than bytes; the grace goes on for them.
    const { charge, quote } = this.#billing;
    const fits = charge?.fits(this, quote.price.perRequest) === true;
    if (this.#requests.size === 0 || fits) this.#unhold();
    this.#run();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const flow of waiting) flow.release();
    for (const flow of flows.values()) (flow as MeteredFlow).release();
    if (waiting.length > 0) this.changed();
  }

  #unhold(): void {
    this.#hold?.end();
    this.#hold = undefined;
  }

  /** The grace is over. */
  #late(): void {
    this.#unhold();
    if (this.#billing.charge !== undefined || this.#needed > 0) {
      this.#end(this.#billing.unpaid());
      return;
    }
    // Only requests wait: they are answered one by one.
    this.#hasDeclined = true;
    this.#requests.wake();
  }

  /** Ends all flows. */
  #end(error: BlockcloudError): void {
    if (this.#isOver) return;
    this.#unhold();
    this.#cut = error;
    const flows = [...this.#host.flows.values(), ...this.#waiting];
    this.#waiting.clear();
    for (const flow of flows) flow.destroy(error);
    this.#requests.wake();
  }

  /** Unused bytes of the allowance are the next session's; those of a tab are its other sessions'. */
  #giveBack(): void {
    const unused = this.limit - this.bytes;
    this.limit = this.bytes;
    if (this.#billing.charge !== undefined || unused === 0) return;
    this.#till.allowance.giveBack(this.#host.address, unused);
  }

  /** Time counts while flows are served. */
  #run(): void {
    const { flows, isLinked } = this.#host;
    this.#count.run(flows.size > 0 && isLinked && this.#hold === undefined && !this.#isOver);
  }

  #charge(): void {
    if (this.#billing.charge !== undefined && this.#hold === undefined) this.reached(1);
    this.#billing.tellServed();
    this.#ticker.plan();
  }
}
