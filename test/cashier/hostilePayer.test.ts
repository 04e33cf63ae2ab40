import { expect } from "chai";
import fc from "fast-check";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { signVoucher } from "../../src/protocol/voucher.ts";
import "../support/arbitraries.ts";
import { runs } from "../support/runs.ts";
import { committed, payer, payerKey, PayRig, TRANCHE } from "./rig/payRig.ts";

/** A voucher that the tab's own key signs, with any values. */
const attempt = fc.record({
  /** Of a tranche, above the newest voucher that was taken. */
  eighths: fc.integer({ min: -4, max: 24 }),
  base: fc.constantFrom("zero", "newest", "below the newest", "above the newest", "almost all"),
  epochs: fc.integer({ min: -2, max: 1 }),
  minGrade: fc.constantFrom(0, 0, 2, 3),
  waits: fc.constantFrom(0, 0, 0, 600, 3_600, 7_200),
  round: fc.boolean(),
  crash: fc.constantFrom(false, false, false, true),
});

describe("a payer that signs whatever it likes", () => {
  it("pays all that the collector counts as paid", async () => {
    const terms = { highestGrade: 3, gradedCap: 10_000n * TRANCHE };
    const accepted: number[] = [];
    await fc.assert(
      fc.asyncProperty(fc.array(attempt, { minLength: 5, maxLength: 40 }), async (attempts) => {
        const rig = new PayRig();
        rig.chain.gasPrice = 0n;
        for (let epoch = 990; epoch < 1_200; epoch++) rig.chain.verdicts.set(epoch, 3);
        let life = rig.collect(terms);
        await life.collector.start();
        const [ours, opened] = await rig.tab(rig.pay(), life);
        let theirs = opened;
        for (const { eighths, base, epochs, minGrade, waits, round, crash } of attempts) {
          if (crash) {
            life.crash();
            life = rig.collect(terms);
            theirs = life.collector.find(payer, ours.tab)!;
          }
          await rig.pass(waits);
          await life.collector.grades.refresh();
          const newest = theirs.paid;
          const cumulative = newest + (BigInt(eighths) * TRANCHE) / 8n;
          const bases = {
            ...{ zero: 0n, newest, "below the newest": newest / 2n },
            ...{ "above the newest": newest + 1n, "almost all": cumulative - 1n },
          };
          const voucher = {
            ...{ payer, service: ours.service, tab: ours.tab, minGrade },
            cumulative: cumulative > 0n ? cumulative : 1n,
            base: bases[base] > 0n ? bases[base] : 0n,
            epoch: 1_000 + Math.floor(rig.timers.monotonic() / 3_600_000) + epochs,
          };
          const item = signVoucher(rig.chain.separator, voucher, ours.salt, payerKey);
          try {
            await committed(life, theirs.credit(item));
            if (theirs.paid > newest) accepted.push(eighths);
          } catch (error) {
            if (!(error instanceof BlockcloudError) || !error.code.startsWith("CASHIER_"))
              throw error;
            expect(theirs.paid).to.equal(newest);
          }
          if (round) await life.redeemer.round();
        }
        const { paid } = theirs;
        if (paid > 0n)
          await committed(life, life.collector.opener.open(life.collector.find(payer, ours.tab)!));
        for (let epoch = 0; epoch < 6; epoch++) {
          await life.redeemer.round();
          await rig.pass(3_600);
        }
        expect(rig.chain.earned + rig.chain.collected).to.equal(paid);
        expect((await rig.chain.tabOf(ours.authorization)).passed).to.equal(0n);
      }),
      { numRuns: runs(300, 5_000) },
    );
    expect(accepted.length).to.be.greaterThan(500);
  });
});
