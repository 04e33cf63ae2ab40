import { expect } from "chai";
import { hashTypedData, type Address } from "viem";
import { bytesToHex } from "../../src/protocol/bytes.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import {
  cashierDomain,
  cashierSeparator,
  cashierTypedData,
  feeOf,
  signVoucher,
  tabDigest,
  tabOf,
  voucherDigest,
  voucherPay,
  voucherSigner,
} from "../../src/protocol/voucher.ts";

const address = (digit: string): Address => `0x${digit.repeat(40)}`;
const domain = cashierDomain(31_337n, address("c"));
const separator = cashierSeparator(domain);
const salt = `0x${"1".padStart(64, "0")}` as const;
const tab = tabOf(address("d"), salt);
const key = new Uint8Array(32).fill(7);
const terms = {
  payer: address("a"),
  service: rootServiceId(3n),
  tab,
  signer: addressOfKey(key),
  limit: 10n ** 18n,
  openBy: 1_800_000_000,
  expiresAt: 1_800_086_400,
};
const voucher = {
  payer: address("a"),
  service: rootServiceId(3n),
  tab,
  cumulative: 5n,
  base: 2n,
  minGrade: 2,
  epoch: 9,
};

describe("vouchers and tabs", () => {
  it("hash as any wallet does that knows EIP-712", () => {
    const types = cashierTypedData;
    expect(bytesToHex(tabDigest(separator, terms))).to.equal(
      hashTypedData({ domain, types, primaryType: "TabAuthorization", message: terms }),
    );
    expect(bytesToHex(voucherDigest(separator, voucher))).to.equal(
      hashTypedData({ domain, types, primaryType: "Voucher", message: voucher }),
    );
  });

  it("a voucher names its signer, and a changed one names another", () => {
    const item = signVoucher(separator, voucher, salt, key);
    expect(voucherSigner(separator, item)).to.equal(addressOfKey(key));
    const changed = { ...item, voucher: { ...voucher, cumulative: 6n } };
    expect(voucherSigner(separator, changed)).not.to.equal(addressOfKey(key));
    const elsewhere = cashierSeparator(cashierDomain(1n, address("c")));
    expect(voucherSigner(elsewhere, item)).not.to.equal(addressOfKey(key));
    expect(voucherSigner(separator, { ...item, v: 29 })).to.equal(undefined);
  });

  it("pays above the base or what is redeemed, and passes the gap over", () => {
    expect(voucherPay({ cumulative: 10n, base: 0n }, 3n)).to.deep.equal({ amount: 7n, passed: 0n });
    expect(voucherPay({ cumulative: 10n, base: 8n }, 3n)).to.deep.equal({ amount: 2n, passed: 5n });
    expect(voucherPay({ cumulative: 10n, base: 3n }, 3n)).to.deep.equal({ amount: 7n, passed: 0n });
  });

  it("rounds the fee of 2% up", () => {
    expect([0n, 1n, 50n, 51n, 100n].map(feeOf)).to.deep.equal([0n, 1n, 1n, 2n, 2n]);
  });
});
