import { getAddress, type Address, type Hex } from "viem";
import { MAX_AMOUNT } from "../../cashier/price.ts";
import { bytesToHex, hexToBytes } from "../../protocol/bytes.ts";
import type { Redemption } from "../../protocol/voucher.ts";
import { salError } from "../errors.ts";
import type { PayloadReader } from "../wire/read.ts";
import { MAX_VARINT, varintSize, writeVarint } from "../wire/varint.ts";

/** Bytes of an amount: a `uint96`, as in the Cashier. */
const AMOUNT_BYTES = 12;

/** The part of a voucher that its receiver does not know from the tab. */
export type CompactVoucher = Pick<Redemption, "v" | "r" | "s"> &
  Pick<Redemption["voucher"], "cumulative" | "base" | "minGrade" | "epoch">;

/** Writes the fields of QUOTE and PAY. */
export const write = {
  amount: amountBytes,
  number: numberBytes,
  hex: hexBytes,
  voucher: voucherBytes,
} as const;

/** Reads them. */
export const read = {
  amount: readAmount,
  hex: readHex,
  address: readAddress,
  /** @throws BlockcloudError `SAL_PROTOCOL` for a number above the bound. */
  bounded: readBounded,
  voucher: readVoucher,
} as const;

/** An amount, BLOC in wei; one above the largest of the Cashier is written as that. */
function amountBytes(amount: bigint): Buffer {
  const bounded = amount > MAX_AMOUNT ? MAX_AMOUNT : amount;
  return Buffer.from(bounded.toString(16).padStart(2 * AMOUNT_BYTES, "0"), "hex");
}

function readAmount(reader: PayloadReader): bigint {
  return BigInt(`0x${reader.bytes(AMOUNT_BYTES).toString("hex")}`);
}

function numberBytes(value: number): Buffer {
  const size = varintSize(value);
  const bytes = Buffer.alloc(size);
  writeVarint(bytes, 0, value, size);
  return bytes;
}

function hexBytes(hex: Hex): Buffer {
  return Buffer.from(hexToBytes(hex));
}

function readHex(reader: PayloadReader, length: number): Hex {
  return bytesToHex(reader.bytes(length));
}

function readAddress(reader: PayloadReader): Address {
  return getAddress(readHex(reader, 20));
}

/** @throws BlockcloudError `SAL_PROTOCOL` for a number above the bound. */
function readBounded(reader: PayloadReader, most = MAX_VARINT): number {
  const value = reader.varint();
  if (value <= most) return value;
  throw salError("protocol", `The peer sent the number ${value}, where ${most} is the highest.`);
}

function voucherBytes(voucher: CompactVoucher): Buffer {
  const { cumulative, base, minGrade, epoch, v, r, s } = voucher;
  return Buffer.concat([
    ...[amountBytes(cumulative), amountBytes(base), Buffer.of(minGrade), numberBytes(epoch)],
    ...[Buffer.of(v), hexBytes(r), hexBytes(s)],
  ]);
}

function readVoucher(reader: PayloadReader): CompactVoucher {
  return {
    cumulative: readAmount(reader),
    base: readAmount(reader),
    minGrade: reader.byte(),
    epoch: readBounded(reader, 2 ** 32 - 1),
    v: reader.byte(),
    r: readHex(reader, 32),
    s: readHex(reader, 32),
  };
}

export function compactVoucher({ voucher, v, r, s }: Redemption): CompactVoucher {
  const { cumulative, base, minGrade, epoch } = voucher;
  return { cumulative, base, minGrade, epoch, v, r, s };
}

/** A voucher of a tab that both sides know. */
export function redemptionOf(
  { v, r, s, ...rest }: CompactVoucher,
  { payer, service, tab, salt }: { payer: Address; service: Hex; tab: Hex; salt: Hex },
): Redemption {
  return { voucher: { payer, service, tab, ...rest }, salt, v, r, s };
}
