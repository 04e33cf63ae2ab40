import type { Hex } from "viem";
import type { Use } from "../../cashier/price.ts";
import type { Quote } from "../../cashier/quote.ts";
import { salError } from "../errors.ts";
import { PayloadReader } from "../wire/read.ts";
import {
  amountBytes,
  hexBytes,
  numberBytes,
  readAddress,
  readAmount,
  readBounded,
  readHex,
  readVoucher,
  voucherBytes,
  type CompactVoucher,
} from "./fields.ts";

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
    ...[numberBytes(quote.chainId), hexBytes(quote.cashier), hexBytes(quote.service)],
    ...[hexBytes(quote.collector), hexBytes(quote.salt)],
    ...[amountBytes(perByte), amountBytes(perRequest), amountBytes(perSecond)],
    ...[amountBytes(quote.leastLimit), Buffer.of(quote.highestGrade)],
    ...[amountBytes(quote.gradedCap), numberBytes(quote.trancheBytes), useBytes(use)],
  ]);
}

function decodeOffer(reader: PayloadReader): OfferFrame {
  const hasEnded = (reader.byte() & TAB_ENDED) !== 0;
  const quote: Quote = {
    chainId: reader.varint(),
    cashier: readAddress(reader),
    service: readHex(reader, 32),
    collector: readAddress(reader),
    salt: readHex(reader, 32),
    price: {
      perByte: readAmount(reader),
      perRequest: readAmount(reader),
      perSecond: readAmount(reader),
    },
    leastLimit: readAmount(reader),
    highestGrade: reader.byte(),
    gradedCap: readAmount(reader),
    trancheBytes: readBounded(reader, MAX_TRANCHE_BYTES),
  };
  return { kind: QuoteKind.offer, quote, use: readUse(reader), hasEnded };
}

function encodeState(frame: StateFrame): Buffer {
  const { kind, tab, use, charged, paid, tranche, graceMs, last } = frame;
  return Buffer.concat([
    ...[Buffer.of(kind), hexBytes(tab), useBytes(use)],
    ...[amountBytes(charged), amountBytes(paid), amountBytes(tranche), numberBytes(graceMs)],
    Buffer.of(last === undefined ? 0 : 1),
    ...(last === undefined ? [] : [voucherBytes(last)]),
  ]);
}

function decodeState(reader: PayloadReader, kind: StateKind): StateFrame {
  const tab = readHex(reader, 32);
  const use = readUse(reader);
  const [charged, paid, tranche] = [readAmount(reader), readAmount(reader), readAmount(reader)];
  const graceMs = readBounded(reader, MAX_GRACE_MS);
  const hasLast = reader.byte();
  if (hasLast > 1) throw salError("protocol", "The provider sent neither a voucher nor none.");
  const last = hasLast === 1 ? readVoucher(reader) : undefined;
  return { kind, tab, use, charged, paid, tranche, graceMs, last };
}

function useBytes({ bytes, requests, milliseconds }: Use): Buffer {
  return Buffer.concat([bytes, requests, Math.floor(milliseconds)].map(numberBytes));
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
