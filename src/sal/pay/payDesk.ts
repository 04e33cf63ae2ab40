import type { Hex } from "viem";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { CollectorTab } from "../../cashier/tabs.ts";
import { cashierError } from "../../cashier/errors.ts";
import { redemptionOf, type CompactVoucher } from "./fields.ts";
import { PayKind, type OpenFrame, type PayFrame, type VoucherFrame } from "./payFrame.ts";
import type { Till } from "./till.ts";

/** The session whose payments are taken. */
export interface PaidSession {
  readonly address: string;
  /** The root service that is paid. */
  readonly service: Hex;
  /** The tab may be charged: its signer has shown to be the client. */
  attach(tab: CollectorTab): void;
  /** A voucher above the newest one is wanted. */
  prove(tab: CollectorTab): void;
  /** A voucher of the attached tab was credited; `before` was paid until then, BLOC in wei. */
  credited(before: bigint): void;
  declined(): void;
  /** A payment cannot be accepted. */
  refused(error: BlockcloudError): void;
}

/**
 * Takes the payments of a session, one at a time. Of vouchers that wait the highest counts, so a client that sends many
 * does not make this side verify them all.
 *
 * A tab's authorization is public once it is on chain, and so is each redeemed voucher. So a session may charge a tab
 * only after a voucher above all that were seen: only the tab's signer can make it.
 */
export class PayDesk {
  readonly #till: Till;
  readonly #session: PaidSession;
  #opening: OpenFrame | undefined;
  #voucher: VoucherFrame | undefined;
  #tab: CollectorTab | undefined;
  #isAttached = false;
  /** Tabs of this session that serve no more: their last vouchers count, and attach nothing. */
  readonly #ended = new Set<string>();
  #isBusy = false;
  #isOver = false;
  #cancelWait = () => {};

  constructor(till: Till, session: PaidSession) {
    this.#till = till;
    this.#session = session;
  }

  /** Whether a payment is being verified or stored. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  take(frame: PayFrame): void {
    switch (frame.kind) {
      case PayKind.decline:
        this.#session.declined();
        return;
      case PayKind.open:
        this.#opening = frame;
        break;
      case PayKind.voucher: {
        const waiting = this.#voucher;
        const isSame = waiting?.tab === frame.tab;
        if (isSame && waiting.voucher.cumulative >= frame.voucher.cumulative) return;
        this.#voucher = frame;
      }
    }
    if (!this.#isBusy) void this.#run();
  }

  /** The tab has ended; the session waits for another one. */
  detach(): void {
    this.#isAttached = false;
    if (this.#tab !== undefined) this.#ended.add(this.#tab.tab);
  }

  stop(): void {
    this.#isOver = true;
    this.#cancelWait();
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    try {
      for (;;) {
        if (this.#isOver) {
          await this.#creditLast();
          return;
        }
        const opening = this.#opening;
        this.#opening = undefined;
        const next = this.#voucher;
        if (opening !== undefined) await this.#open(opening);
        else if (next === undefined) return;
        else if (await this.#hasRight()) {
          const newest = this.#voucher ?? next;
          this.#voucher = undefined;
          await this.#credit(newest);
        }
      }
    } catch (error) {
      this.#opening = undefined;
      this.#voucher = undefined;
      if (!this.#isOver) this.#session.refused(this.#asRefusal(error));
    } finally {
      this.#isBusy = false;
    }
  }

  /** The last voucher of a session that is over counts, too, within the rate of its peer. */
  async #creditLast(): Promise<void> {
    const last = this.#voucher;
    this.#voucher = undefined;
    if (last === undefined || this.#till.voucherDelay(this.#session.address) > 0) return;
    try {
      await this.#credit(last);
    } catch (error) {
      this.#till.log.info("the last voucher of a session is refused", { tab: last.tab, error });
    }
  }

  async #open({ opening, voucher }: OpenFrame): Promise<void> {
    const { collector } = this.#till;
    const { address } = this.#session;
    const end = this.#till.beginOpening(address);
    if (end === undefined) throw cashierError("busy", "Too many tabs are opened at once.");
    let tab: CollectorTab;
    try {
      tab = await collector.open(opening);
    } finally {
      end();
    }
    if (this.#isOver) return;
    if (this.#tab !== tab) this.#isAttached = false;
    this.#tab = tab;
    // An attached tab was raised.
    if (this.#isAttached) this.#session.credited(tab.paid);
    if (voucher !== undefined) await this.#creditTo(tab, voucher);
    else if (!this.#isAttached) this.#prove(tab);
  }

  async #credit({ tab: id, voucher }: VoucherFrame): Promise<void> {
    const tab = this.#tab;
    if (tab === undefined) throw cashierError("voucher", "A voucher came before its tab.");
    if (tab.tab === id && !this.#ended.has(id)) {
      await this.#creditTo(tab, voucher);
      return;
    }
    // The session goes on with another tab: the last voucher of the one before counts, too.
    const old = this.#till.collector.find(tab.payer, id);
    try {
      await old?.credit(this.#redemption(old, voucher));
    } catch (error) {
      this.#till.log.info("the last voucher of a tab came too late", { tab: id, error });
    }
  }

  async #creditTo(tab: CollectorTab, voucher: CompactVoucher): Promise<void> {
    const before = tab.paid;
    await tab.credit(this.#redemption(tab, voucher));
    if (this.#isOver) return;
    if (this.#isAttached) this.#session.credited(before);
    else if (voucher.cumulative > before) {
      this.#isAttached = true;
      this.#session.attach(tab);
    } else this.#prove(tab);
  }

  /** Anyone may have got here with the tab's public authorization, so the newest voucher proves nothing any more. */
  #prove(tab: CollectorTab): void {
    if (tab.last !== undefined) tab.reveal(tab.last);
    this.#session.prove(tab);
  }

  /** Waits until one more voucher of the peer may be verified. */
  async #hasRight(): Promise<boolean> {
    const delay = this.#till.voucherDelay(this.#session.address);
    if (delay === 0) return true;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const cancel = this.#till.clock.after(delay, () => {
      resolve(undefined);
    });
    this.#cancelWait = () => {
      cancel();
      resolve(undefined);
    };
    await promise;
    return false;
  }

  #redemption(tab: CollectorTab, voucher: CompactVoucher) {
    const { service } = this.#session;
    return redemptionOf(voucher, { payer: tab.payer, service, tab: tab.tab, salt: tab.salt });
  }

  #asRefusal(error: unknown): BlockcloudError {
    if (error instanceof BlockcloudError) return error;
    this.#till.log.error("a payment failed in the provider", { error });
    return cashierError("busy", "The provider failed to take the payment.", { cause: error });
  }
}
