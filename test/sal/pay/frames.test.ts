import { expect } from "chai";
import fc from "fast-check";
import { MAX_AMOUNT } from "../../../src/cashier/price.ts";
import { bytesToHex } from "../../../src/protocol/bytes.ts";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { tabOf } from "../../../src/protocol/voucher.ts";
import type { CompactVoucher } from "../../../src/sal/pay/fields.ts";
import { decodePay, encodePay, PayKind, type PayFrame } from "../../../src/sal/pay/payFrame.ts";
import {
  decodeQuote,
  encodeQuote,
  QuoteKind,
  type OfferFrame,
  type StateFrame,
} from "../../../src/sal/pay/quoteFrame.ts";
import { FrameType, isOptional, isOrdered, MAX_CONTROL } from "../../../src/sal/wire/frames.ts";
import { address, bytes, hash } from "../../support/arbitraries.ts";
import { runs } from "../../support/runs.ts";
import { SERVICE } from "../rig/salRig.ts";
import { COLLECTOR } from "./rig/fakeCollector.ts";

const amount = fc.bigInt({ min: 0n, max: MAX_AMOUNT });
const grade = fc.nat(255);
const use = fc.record({
  bytes: fc.maxSafeNat(),
  requests: fc.maxSafeNat(),
  milliseconds: fc.maxSafeNat(),
});
const voucher: fc.Arbitrary<CompactVoucher> = fc.record({
  cumulative: amount,
  base: amount,
  minGrade: grade,
  epoch: fc.nat(2 ** 32 - 1),
  v: fc.nat(255),
  r: hash,
  s: hash,
});
const offer: fc.Arbitrary<OfferFrame> = fc.record({
  kind: fc.constant(QuoteKind.offer),
  quote: fc.record({
    chainId: fc.maxSafeNat(),
    cashier: address,
    service: hash,
    collector: address,
    salt: hash,
    price: fc.record({ perByte: amount, perRequest: amount, perSecond: amount }),
    leastLimit: amount,
    highestGrade: grade,
    gradedCap: amount,
    trancheBytes: fc.nat(2 ** 31 - 1),
  }),
  use,
  hasEnded: fc.boolean(),
});
const state: fc.Arbitrary<StateFrame> = fc.record({
  kind: fc.constantFrom(
    QuoteKind.prove,
    QuoteKind.opened,
    QuoteKind.bill,
    QuoteKind.warning,
    QuoteKind.served,
  ),
  tab: hash,
  use,
  charged: amount,
  paid: amount,
  tranche: amount,
  graceMs: fc.nat(2 ** 31 - 1),
  last: fc.option(voucher, { nil: undefined }),
});
const asked = { service: SERVICE, collector: COLLECTOR };
const pay: fc.Arbitrary<PayFrame> = fc.oneof(
  fc.constant({ kind: PayKind.decline }),
  fc.record({ kind: fc.constant(PayKind.voucher), tab: hash, voucher }),
  fc
    .record({
      payer: address,
      signer: address,
      limit: amount,
      openBy: fc.nat(2 ** 31 - 1),
      expiresAt: fc.nat(2 ** 31 - 1),
      salt: hash,
      signature: fc.uint8Array({ maxLength: 1_024 }).map(bytesToHex),
      voucher: fc.option(voucher, { nil: undefined }),
    })
    .map(({ salt, signature, voucher: proof, ...terms }): PayFrame => {
      const authorization = { ...terms, service: SERVICE, tab: tabOf(COLLECTOR, salt) };
      return { kind: PayKind.open, opening: { authorization, signature, salt }, voucher: proof };
    }),
);

/** Good bytes with some changed, cut, or longer; or any bytes. */
function hostile(good: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  const places = fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 4 });
  const damaged = fc
    .tuple(good, places, fc.nat(500), fc.uint8Array({ maxLength: 8 }))
    .map(([whole, changes, cut, tail]) => {
      const changed = Buffer.concat([whole.subarray(0, cut), tail]);
      for (const [place, value] of changes) if (place < changed.length) changed[place] = value;
      return changed;
    });
  return fc.oneof(
    damaged,
    bytes(200).map((raw) => Buffer.from(raw)),
  );
}

function typed(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof BlockcloudError)) throw error;
    expect(error.code).to.equal("SAL_PROTOCOL");
  }
}

describe("QUOTE and PAY", () => {
  it("are parts of the ordered stream; a client that does not know QUOTE skips it", () => {
    expect([FrameType.quote, FrameType.pay].map(isOrdered)).to.deep.equal([true, true]);
    expect([FrameType.quote, FrameType.pay].map(isOptional)).to.deep.equal([true, false]);
  });

  it("a QUOTE is read as it was written, and fits a frame", () => {
    fc.assert(
      fc.property(fc.oneof(offer, state), (frame) => {
        const payload = encodeQuote(frame);
        expect(payload.length).to.be.at.most(MAX_CONTROL);
        expect(decodeQuote(payload)).to.deep.equal(frame);
        expect(decodeQuote(Buffer.concat([payload, Buffer.of(7)]))).to.deep.equal(frame);
      }),
      { numRuns: runs(500) },
    );
  });

  it("a QUOTE of a later kind says nothing to this version", () => {
    expect(decodeQuote(Buffer.of(6, 1, 2, 3))).to.equal(undefined);
  });

  it("a PAY is read as it was written, and fits a frame", () => {
    fc.assert(
      fc.property(pay, (frame) => {
        const payload = encodePay(frame);
        expect(payload.length).to.be.at.most(MAX_CONTROL);
        expect(decodePay(payload, asked)).to.deep.equal(frame);
        typed(() => decodePay(Buffer.concat([payload, Buffer.of(7)]), asked));
      }),
      { numRuns: runs(500) },
    );
  });

  it("hostile bytes are read, or refused with a typed error", () => {
    const quotes = hostile(fc.oneof(offer, state).map(encodeQuote));
    const pays = hostile(pay.map(encodePay));
    fc.assert(
      fc.property(quotes, pays, (quote, payment) => {
        typed(() => decodeQuote(quote));
        typed(() => decodePay(payment, asked));
      }),
      { numRuns: runs(2_000) },
    );
  });
});
