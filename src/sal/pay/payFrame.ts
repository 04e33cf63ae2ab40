import type { Address, Hex } from "viem";
import type { TabOpening } from "../../cashier/tabs.ts";
import { tabOf } from "../../protocol/voucher.ts";
import { salError } from "../errors.ts";
import { PayloadReader } from "../wire/read.ts";
import { read, write, type CompactVoucher } from "./fields.ts";

/** What a PAY says. */
export const PayKind = {
  /** A tab's authorization, new or known, which the session shall charge; and a voucher that proves its signer. */
  open: 0,
  voucher: 1,
  /** The client will not pay. */
  decline: 2,
} as const;

/** Longest signature of a payer's contract that fits, bytes. */
export const MAX_SIGNATURE_BYTES = 1_024;
const MAX_SECONDS = 2 ** 40 - 1;

export interface OpenFrame {
  kind: typeof PayKind.open;
  opening: TabOpening;
  voucher: CompactVoucher | undefined;
}

export interface VoucherFrame {
  kind: typeof PayKind.voucher;
  tab: Hex;
  voucher: CompactVoucher;
}

export type PayFrame = OpenFrame | VoucherFrame | { kind: typeof PayKind.decline };

export function encodePay(frame: PayFrame): Buffer {
  if (frame.kind === PayKind.decline) return Buffer.of(PayKind.decline);
  if (frame.kind === PayKind.voucher) {
    return Buffer.concat([
      ...[Buffer.of(PayKind.voucher), write.hex(frame.tab), write.voucher(frame.voucher)],
    ]);
  }
  const { authorization, signature, salt } = frame.opening;
  const { payer, signer, limit, openBy, expiresAt } = authorization;
  const signed = write.hex(signature);
  const { voucher } = frame;
  return Buffer.concat([
    ...[Buffer.of(PayKind.open), write.hex(payer), write.hex(signer), write.amount(limit)],
    ...[write.number(openBy), write.number(expiresAt), write.hex(salt)],
    ...[write.number(signed.length), signed],
    ...(voucher === undefined ? [Buffer.of(0)] : [Buffer.of(1), write.voucher(voucher)]),
  ]);
}

/**
 * @param asked Who collects, and for which root service.
 * @throws BlockcloudError `SAL_PROTOCOL`.
 */
export function decodePay(payload: Buffer, asked: { service: Hex; collector: Address }): PayFrame {
  const reader = new PayloadReader(payload);
  const frame = decodeKind(reader, asked);
  reader.end();
  return frame;
}

function decodeKind(reader: PayloadReader, asked: { service: Hex; collector: Address }): PayFrame {
  const kind = reader.byte();
  switch (kind) {
    case PayKind.decline:
      return { kind };
    case PayKind.voucher:
      return { kind, tab: read.hex(reader, 32), voucher: read.voucher(reader) };
    case PayKind.open:
      return decodeOpen(reader, asked);
    default:
      throw salError("protocol", `The client sent PAY of the unknown kind ${kind}.`);
  }
}

function decodeOpen(
  reader: PayloadReader,
  { service, collector }: { service: Hex; collector: Address },
): OpenFrame {
  const [payer, signer] = [read.address(reader), read.address(reader)];
  const limit = read.amount(reader);
  const [openBy, expiresAt] = [
    read.bounded(reader, MAX_SECONDS),
    read.bounded(reader, MAX_SECONDS),
  ];
  const salt = read.hex(reader, 32);
  const signature = read.hex(reader, read.bounded(reader, MAX_SIGNATURE_BYTES));
  const hasVoucher = reader.byte();
  if (hasVoucher > 1) throw salError("protocol", "The client sent neither a voucher nor none.");
  const tab = tabOf(collector, salt);
  const authorization = { payer, service, tab, signer, limit, openBy, expiresAt };
  const voucher = hasVoucher === 1 ? read.voucher(reader) : undefined;
  return { kind: PayKind.open, opening: { authorization, signature, salt }, voucher };
}
