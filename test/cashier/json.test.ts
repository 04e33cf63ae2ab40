import { expect } from "chai";
import {
  openingFromJson,
  quoteFromJson,
  redemptionFromJson,
  toJson,
} from "../../src/cashier/json.ts";
import { MAX_AMOUNT, parsePrice } from "../../src/cashier/price.ts";
import type { Quote } from "../../src/cashier/quote.ts";
import type { TabOpening } from "../../src/cashier/tabs.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { tabOf, type Redemption } from "../../src/protocol/voucher.ts";
import { expectCode } from "../support/expectCode.ts";

const collector = "0x90F79bf6EB2c4f870365E785982E1f101E93b906";
const salt = `0x${"07".repeat(32)}` as const;
const service = rootServiceId(3n);
const tab = tabOf(collector, salt);
const quote: Quote = {
  chainId: 31_337,
  cashier: collector,
  service,
  collector,
  salt,
  price: parsePrice("0.002/MB"),
  leastLimit: 10n ** 18n,
  highestGrade: 2,
  gradedCap: MAX_AMOUNT,
  trancheBytes: 1_048_576,
};
const opening: TabOpening = {
  authorization: {
    payer: collector,
    service,
    tab,
    signer: collector,
    limit: MAX_AMOUNT,
    openBy: 1_800_000_000,
    expiresAt: 1_800_000_001,
  },
  signature: `0x${"ab".repeat(65)}`,
  salt,
};
const redemption: Redemption = {
  voucher: { payer: collector, service, tab, cumulative: 2n, base: 1n, minGrade: 3, epoch: 9 },
  salt,
  v: 27,
  r: salt,
  s: salt,
};
const through = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;

describe("messages of a payment as JSON", () => {
  it("come back as they were", () => {
    expect(quoteFromJson(through(toJson(quote)))).to.deep.equal(quote);
    expect(openingFromJson(through(toJson(opening)))).to.deep.equal(opening);
    expect(redemptionFromJson(through(toJson(redemption)))).to.deep.equal(redemption);
  });

  it("are refused with other fields, other encodings, and amounts that no contract can hold", () => {
    const good = toJson(redemption) as { voucher: Record<string, unknown> };
    for (const change of [
      { cumulative: "01" },
      { cumulative: "-1" },
      { cumulative: "1e3" },
      { cumulative: 2 },
      { cumulative: (MAX_AMOUNT + 1n).toString() },
      { minGrade: 4 },
      { epoch: 2 ** 32 },
      { epoch: 1.5 },
      { tab: tab.toUpperCase() },
      { payer: "0x12" },
      { extra: 1 },
    ]) {
      const json = { ...good, voucher: { ...good.voucher, ...change } };
      expectCode("CASHIER_MESSAGE", () => redemptionFromJson(json));
    }
    for (const json of [undefined, null, [], "voucher", { ...good, v: 0 }, { ...good, r: "0x" }])
      expectCode("CASHIER_MESSAGE", () => redemptionFromJson(json));
    const long = { ...(toJson(opening) as object), signature: `0x${"ab".repeat(5_000)}` };
    expectCode("CASHIER_MESSAGE", () => openingFromJson(long));
    expectCode("CASHIER_MESSAGE", () => quoteFromJson({ ...(toJson(quote) as object), price: 1 }));
  });
});
