import { encodePay, type PayFrame } from "../../../../src/sal/pay/payFrame.ts";
import {
  decodeQuote,
  QuoteKind,
  type OfferFrame,
  type QuoteFrame,
} from "../../../../src/sal/pay/quoteFrame.ts";
import { compactVoucher } from "../../../../src/sal/pay/fields.ts";
import { FrameType } from "../../../../src/sal/wire/frames.ts";
import { RawClient } from "../../rig/rawClient.ts";
import type { FakePayerTab } from "./fakeWallet.ts";
import type { PayRig } from "./payRig.ts";

/** A client that says in PAY what it likes, and reads what the provider answers. */
export class RawPayer {
  readonly raw: RawClient;
  readonly #rig: PayRig;

  private constructor(rig: PayRig, raw: RawClient) {
    this.#rig = rig;
    this.raw = raw;
  }

  static async begun(rig: PayRig, address?: string): Promise<RawPayer> {
    const payer = new RawPayer(rig, await RawClient.begun(rig, address));
    await rig.clock.until(() => payer.quotes.length > 0);
    return payer;
  }

  /** All QUOTEs so far. */
  get quotes(): QuoteFrame[] {
    return this.raw.frames
      .filter(({ type }) => type === FrameType.quote)
      .flatMap(({ payload }) => decodeQuote(payload) ?? []);
  }

  get offer(): OfferFrame {
    const [offer] = this.quotes;
    if (offer?.kind !== QuoteKind.offer) throw new Error("no offer");
    return offer;
  }

  /** Whether the provider charges a tab in this session. */
  get isAttached(): boolean {
    return this.quotes.some(({ kind }) => kind === QuoteKind.opened);
  }

  pay(frame: PayFrame): void {
    this.raw.send(FrameType.pay, 0, encodePay(frame));
  }

  /** Presents a tab, with a voucher for an amount or none. */
  async open(tab: FakePayerTab, upTo?: bigint): Promise<void> {
    const { authorization, signature, salt } = tab;
    const voucher = upTo === undefined ? undefined : compactVoucher(await tab.pay(upTo));
    this.pay({ kind: 0, opening: { authorization, signature, salt }, voucher });
    await this.#rig.clock.advance(50);
  }

  /** Acknowledges all that has come, as a client must that reads. */
  acknowledge(): void {
    const offset = this.raw.frames
      .filter(({ type }) => (type & 0x40) === 0)
      .reduce((sum, { size }) => sum + size, 0);
    this.raw.sendNumber(FrameType.ack, 0, offset);
  }
}
