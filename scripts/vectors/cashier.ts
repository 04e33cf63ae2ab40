import { bytesToHex } from "../../src/protocol/bytes.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import {
  cashierDomain,
  cashierSeparator,
  feeOf,
  signVoucher,
  tabDigest,
  tabOf,
  voucherDigest,
} from "../../src/protocol/voucher.ts";
import { decimals, times, type Random } from "./random.ts";

/** Tab IDs, digests of tab authorizations and vouchers, signatures, and fees. */
export function voucherVectors(random: Random) {
  const chainId = 11_155_111n;
  const cashier = random.address();
  const separator = cashierSeparator(cashierDomain(chainId, cashier));
  const tabs = times(12, (i) => {
    const collector = random.address();
    const salt = random.hash();
    return {
      collector,
      salt,
      payer: random.address(),
      service: rootServiceId(random.uint(i === 0 ? 1 : 63) + 1n),
      tab: tabOf(collector, salt),
      signer: random.address(),
      limit: i === 1 ? (1n << 96n) - 1n : random.uint(96),
      openBy: i === 1 ? 2 ** 40 - 1 : Number(random.uint(32)),
      expiresAt: i === 1 ? 2 ** 40 - 1 : Number(random.uint(32)),
    };
  });
  const vouchers = tabs.map(({ payer, service, tab, salt }, i) => {
    const key = random.bytes(32);
    const voucher = {
      payer,
      service,
      tab,
      cumulative: i === 1 ? (1n << 96n) - 1n : random.uint(96),
      base: i === 2 ? (1n << 96n) - 1n : random.uint(90),
      minGrade: i % 4,
      epoch: i === 1 ? 2 ** 32 - 1 : Number(random.uint(20)),
    };
    return { ...signVoucher(separator, voucher, salt, key), key };
  });
  const earned = [1n, 49n, 50n, 51n, 99n, 100n, 101n, ...times(12, () => random.uint(90))];
  return {
    chainId: Number(chainId),
    cashier,
    separator: bytesToHex(separator),
    collector: tabs.map(({ collector }) => collector),
    salt: tabs.map(({ salt }) => salt),
    payer: tabs.map(({ payer }) => payer),
    service: tabs.map(({ service }) => service),
    tab: tabs.map(({ tab }) => tab),
    signer: tabs.map(({ signer }) => signer),
    limit: decimals(tabs.map(({ limit }) => limit)),
    openBy: tabs.map(({ openBy }) => openBy),
    expiresAt: tabs.map(({ expiresAt }) => expiresAt),
    tabDigest: tabs.map((terms) => bytesToHex(tabDigest(separator, terms))),
    cumulative: decimals(vouchers.map(({ voucher }) => voucher.cumulative)),
    base: decimals(vouchers.map(({ voucher }) => voucher.base)),
    minGrade: vouchers.map(({ voucher }) => voucher.minGrade),
    epoch: vouchers.map(({ voucher }) => voucher.epoch),
    voucherDigest: vouchers.map(({ voucher }) => bytesToHex(voucherDigest(separator, voucher))),
    voucherSigner: vouchers.map(({ key }) => addressOfKey(key)),
    v: vouchers.map(({ v }) => v),
    r: vouchers.map(({ r }) => r),
    s: vouchers.map(({ s }) => s),
    earned: decimals(earned),
    fee: decimals(earned.map(feeOf)),
  };
}
