import type { Hex } from "viem";
import type { Use } from "../../cashier/price.ts";
import type { Quote } from "../../cashier/quote.ts";
import { salError } from "../errors.ts";
import { PayloadReader } from "../wire/read.ts";
import { read, write, type CompactVoucher } from "./fields.ts";

/** What a QUOTE says. */
export const QuoteKind = {
  /** What the service costs from here on. */
  offer: 0,
  /** A voucher above the newest one is wanted: only the tab's signer can make it. */
  prove: 1,
  /** The session charges the tab from here on. */
  opened: 2,
  /** How the tab stands, when all flows are over. */
  bill: 3,
  /** The window is full: nothing more is served, and the flows end after a time. */
  warning: 4,
  /** What was served so far; more may be under way. */
  served: 5,
} as const;
export type QuoteKind = (typeof QuoteKind)[keyof typeof QuoteKind];
/** The kinds that say how a tab stands. */
export type StateKind = Exclude<QuoteKind, typeof QuoteKind.offer>;

/** Whether an offer follows the end of the session's tab. */
const TAB_ENDED = 1;

/** An offer. */
export interface OfferFrame {
  kind: typeof QuoteKind.offer;
  quote: Quote;
  /** The session's use so far, as the provider counts it: from here on this price counts. */
  use: Use;
  /** Whether the session's tab serves no more. */
  hasEnded: boolean;
}

/** How a tab stands. Amounts are BLOC in wei. */
export interface StateFrame {
  kind: StateKind;
  /** The zero word: there is no tab. */
  tab: Hex;
  /** The session's use so far, as the provider counts it. */
  use: Use;
  /** Of the tab, from all sessions and requests of its payer. */
  charged: bigint;
  paid: bigint;
  /** What the payer pays in one piece. */
  tranche: bigint;
  /** When the flows end unless they are paid, milliseconds; 0 except in a warning. */
  graceMs: number;
  /** The newest voucher, with `prove` and `opened`. */
  last: CompactVoucher | undefined;
}

export type QuoteFrame = OfferFrame | StateFrame;

export function encodeQuote(frame: QuoteFrame): Buffer {
  return frame.kind === QuoteKind.offer ? encodeOffer(frame) : encodeState(frame);
}

/** @throws BlockcloudError `SAL_PROTOCOL`; undefined for a kind of a later version. */
export function decodeQuote(payload: Buffer): QuoteFrame | undefined {
  const reader = new PayloadReader(payload);
  const kind = reader.byte();
  if (kind > QuoteKind.served) return undefined;
  const frame =
    kind === QuoteKind.offer ? decodeOffer(reader) : decodeState(reader, kind as StateKind);
  // Later versions may say more.
  reader.rest();
  return frame;
}

function encodeOffer({ quote, use, hasEnded }: OfferFrame): Buffer {
  const { perByte, perRequest, perSecond } = quote.price;
  return Buffer.concat([
    Buffer.of(QuoteKind.offer, hasEnded ? TAB_ENDED : 0),
    ...[write.number(quote.chainId), write.hex(quote.cashier), write.hex(quote.service)],
    ...[write.hex(quote.collector), write.hex(quote.salt)],
    ...[write.amount(perByte), write.amount(perRequest), write.amount(perSecond)],
    ...[write.amount(quote.leastLimit), Buffer.of(quote.highestGrade)],
    ...[write.amount(quote.gradedCap), write.number(quote.trancheBytes), useBytes(use)],
  ]);
}

function decodeOffer(reader: PayloadReader): OfferFrame {
  const hasEnded = (reader.byte() & TAB_ENDED) !== 0;
  const quote: Quote = {
    chainId: reader.varint(),
    cashier: read.address(reader),
    service: read.hex(reader, 32),
    collector: read.address(reader),
    salt: read.hex(reader, 32),
    price: {
      perByte: read.amount(reader),
      perRequest: read.amount(reader),
      perSecond: read.amount(reader),
    },
    leastLimit: read.amount(reader),
    highestGrade: reader.byte(),
    gradedCap: read.amount(reader),
    trancheBytes: read.bounded(reader, MAX_TRANCHE_BYTES),
  };
  return { kind: QuoteKind.offer, quote, use: readUse(reader), hasEnded };
}

function encodeState(frame: StateFrame): Buffer {
  const { kind, tab, use, charged, paid, tranche, graceMs, last } = frame;
  return Buffer.concat([
    ...[Buffer.of(kind), write.hex(tab), useBytes(use)],
    ...[write.amount(charged), write.amount(paid), write.amount(tranche), write.number(graceMs)],
    Buffer.of(last === undefined ? 0 : 1),
    ...(last === undefined ? [] : [write.voucher(last)]),
  ]);
}

function decodeState(reader: PayloadReader, kind: StateKind): StateFrame {
  const tab = read.hex(reader, 32);
  const use = readUse(reader);
  const [charged, paid, tranche] = [read.amount(reader), read.amount(reader), read.amount(reader)];
  const graceMs = read.bounded(reader, MAX_GRACE_MS);
  const hasLast = reader.byte();
  if (hasLast > 1) throw salError("protocol", "The provider sent neither a voucher nor none.");
  const last = hasLast === 1 ? read.voucher(reader) : undefined;
  return { kind, tab, use, charged, paid, tranche, graceMs, last };
}

function useBytes({ bytes, requests, milliseconds }: Use): Buffer {
  return Buffer.concat([bytes, requests, Math.floor(milliseconds)].map(write.number));
}

function readUse(reader: PayloadReader): Use {
  return { bytes: reader.varint(), requests: reader.varint(), milliseconds: reader.varint() };
}

/** The longest grace that a provider may give, milliseconds: a timer of Node. */
export const MAX_GRACE_MS = 2 ** 31 - 1;
/** The largest least tranche of a quote, bytes. */
const MAX_TRANCHE_BYTES = 2 ** 40;
/** In the place of a tab: there is none. */
export const NO_TAB: Hex = `0x${"0".repeat(64)}`;
