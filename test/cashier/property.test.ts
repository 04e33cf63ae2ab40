import { expect } from "chai";
import fc from "fast-check";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import type { Redemption } from "../../src/protocol/voucher.ts";
import type { CollectorTab, PayerTab } from "../../src/cashier/tabs.ts";
import "../support/arbitraries.ts";
import { runs } from "../support/runs.ts";
import { committed, payer, PayRig, TRANCHE, WINDOW, type CollectorLife } from "./rig/payRig.ts";

/** What happens next. */
type Step =
  | { is: "use"; parts: number }
  | { is: "pay" }
  | { is: "deliver"; index: number; twice: boolean }
  | { is: "lose"; index: number }
  | { is: "move" }
  | { is: "commit" }
  | { is: "payer crashes"; closes: boolean; shown: boolean }
  | { is: "collector crashes" }
  | { is: "round"; fault: "none" | "send" | "receipt" | "read" }
  | { is: "time"; seconds: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ is: fc.constant("use"), parts: fc.integer({ min: 1, max: 12 }) }),
  },
  { weight: 8, arbitrary: fc.record({ is: fc.constant("pay") }) },
  {
    weight: 8,
    arbitrary: fc.record({ is: fc.constant("deliver"), index: fc.nat(3), twice: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ is: fc.constant("lose"), index: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("move") }) },
  { weight: 6, arbitrary: fc.record({ is: fc.constant("commit") }) },
  {
    weight: 2,
    arbitrary: fc.record({
      is: fc.constant("payer crashes"),
      closes: fc.boolean(),
      shown: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("collector crashes") }) },
  {
    weight: 2,
    arbitrary: fc.record({
      is: fc.constant("round"),
      fault: fc.constantFrom("none", "send", "receipt", "read"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ is: fc.constant("time"), seconds: fc.integer({ min: 1, max: 7_200 }) }),
  },
);

/** Parts of a tranche: a move comes in the middle of one. */
const PART = TRANCHE / 8n;
const CAP = 60n * TRANCHE;

describe("payer and collector under all that can happen", () => {
  for (const minGrade of [0, 3]) {
    it(`lose at most their window, ${minGrade === 0 ? "without a grade" : "with a grade"}`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), async (steps) => {
          const story = await Story.begin(minGrade);
          for (const each of steps) await story.play(each);
          await story.end();
        }),
        { numRuns: runs(120, 5_000) },
      );
    });
  }
});

/** A payer that uses a service over a line that loses messages, and pays after each tranche. */
class Story {
  readonly #rig = new PayRig();
  readonly #minGrade: number;
  #life!: CollectorLife;
  #ours!: PayerTab;
  #theirs!: CollectorTab;
  /** Vouchers on their way. */
  #line: Redemption[] = [];
  readonly #taking = new Set<Promise<void>>();
  /** What was served in all, and what the payer knows that it received. */
  #served = 0n;
  #received = 0n;
  #uncommitted = 0n;
  /** The highest voucher that the payer has signed; in this process, and ever. */
  #signed = 0n;
  #everSigned = 0n;
  #crashes = { payer: 0, collector: 0 };
  #paid = 0n;
  readonly #failures: unknown[] = [];

  private constructor(minGrade: number) {
    this.#minGrade = minGrade;
    for (let epoch = 990; epoch < 1_300; epoch++) this.#rig.chain.verdicts.set(epoch, 3);
  }

  static async begin(minGrade: number): Promise<Story> {
    const story = new Story(minGrade);
    await story.#startCollector();
    await story.#startPayer(true);
    return story;
  }

  async play(step: Step): Promise<void> {
    if (step.is === "use") this.#use(step.parts);
    else if (step.is === "pay") await this.#pay();
    else if (step.is === "deliver") this.#deliver(step.index, step.twice);
    else if (step.is === "lose") this.#line.splice(step.index, 1);
    else if (step.is === "move") this.#line = [];
    else if (step.is === "commit") this.#commit();
    else if (step.is === "payer crashes") await this.#payerCrashes(step.closes, step.shown);
    else if (step.is === "collector crashes") await this.#collectorCrashes();
    else if (step.is === "round") await this.#round(step.fault);
    else await this.#pass(step.seconds);
    await new Promise(setImmediate);
    this.#check();
  }

  /** All goes well again: the payer pays what it owes, and the collector gets on chain what it was promised. */
  async end(): Promise<void> {
    this.#line = [];
    await this.#settle();
    for (let tries = 0; tries < 3 && this.#theirs.paid < this.#received; tries++) {
      await this.#pay();
      this.#deliver(0, false);
      await this.#settle();
    }
    this.#check();
    const best = this.#theirs.paid;
    if (best > 0n) await committed(this.#life, this.#life.collector.opener.open(this.#tab()));
    for (let epoch = 0; epoch < 5; epoch++) {
      await this.#rig.pass(3_600);
      await this.#life.redeemer.round();
    }
    const { redeemed, passed } = await this.#rig.chain.tabOf(this.#ours.authorization);
    expect(redeemed).to.equal(best);
    // Every base was one that the collector held, so nothing was passed over.
    expect(passed).to.equal(0n);
    expect(this.#rig.chain.earned + this.#rig.chain.collected).to.equal(best);
  }

  /** Lets the collector take all that has arrived. */
  async #settle(): Promise<void> {
    while (this.#taking.size > 0) {
      this.#life.commit();
      await new Promise(setImmediate);
    }
  }

  /** The provider serves as long as no more than a window is unpaid. */
  #use(parts: number): void {
    for (let part = 0; part < parts; part++) {
      const { charged, paid, limit } = this.#theirs;
      if (charged + PART - paid > WINDOW || charged + PART > limit) return;
      this.#theirs.charge(PART);
      this.#served += PART;
      this.#received += PART;
      // A commit takes less time than a tranche.
      this.#uncommitted += PART;
      if (this.#uncommitted >= TRANCHE) this.#commit();
    }
  }

  #commit(): void {
    this.#life.commit();
    this.#uncommitted = 0n;
  }

  async #pay(): Promise<void> {
    if (this.#received === 0n) return;
    try {
      const item = await this.#ours.pay(this.#received);
      const { cumulative } = item.voucher;
      expect(cumulative >= this.#signed, "a voucher fell").to.be.true;
      this.#signed = cumulative;
      if (cumulative > this.#everSigned) this.#everSigned = cumulative;
      this.#line.push(item);
    } catch (error) {
      if (!(error instanceof BlockcloudError) || error.code !== "CASHIER_CAP") throw error;
    }
  }

  #deliver(index: number, twice: boolean): void {
    const [item] = twice ? this.#line.slice(index, index + 1) : this.#line.splice(index, 1);
    if (item === undefined) return;
    const theirs = this.#theirs;
    const taking = theirs.credit(item).catch((error: unknown) => {
      const code = error instanceof BlockcloudError ? error.code : "";
      // A graded voucher that was on its way for too long.
      const isLate = code === "CASHIER_VOUCHER" && this.#minGrade > 0;
      // A process that has ended tells nobody.
      if (theirs !== this.#theirs) return;
      if (code !== "CASHIER_BASE" && !isLate) this.#failures.push(error);
      // A voucher was lost over the end of an epoch: the collector shows its newest, and is paid from there on.
      else this.#ours.recover(theirs.last);
    });
    this.#taking.add(taking);
    void taking.then(() => this.#taking.delete(taking));
  }

  /** As each round of the collector does, it reads the verdicts of the new epoch. */
  async #pass(seconds: number): Promise<void> {
    await this.#rig.pass(seconds);
    await this.#life.collector.grades.refresh();
  }

  async #payerCrashes(closes: boolean, shown: boolean): Promise<void> {
    this.#crashes.payer += 1;
    this.#line = [];
    if (closes) this.#close();
    this.#signed = 0n;
    await this.#startPayer(shown);
  }

  #close(): void {
    const disk = this.#rig.walletDisk;
    const close = disk.close.bind(disk);
    disk.close = () => undefined;
    this.#wallet.close();
    disk.close = close;
  }

  async #collectorCrashes(): Promise<void> {
    this.#crashes.collector += 1;
    this.#life.crash();
    this.#line = [];
    this.#taking.clear();
    await this.#startCollector();
    // Its state message shows the payer the newest voucher.
    this.#ours.recover(this.#theirs.last);
  }

  async #round(fault: "none" | "send" | "receipt" | "read"): Promise<void> {
    let count = 0;
    this.#rig.chain.fault = (moment) => {
      count += 1;
      if (moment === fault && count > 2) throw new Error("the process ends here");
    };
    await this.#life.redeemer.round().catch(() => undefined);
    this.#rig.chain.fault = () => undefined;
    if (fault !== "none") await this.#collectorCrashes();
  }

  #wallet!: ReturnType<PayRig["pay"]>;

  async #startPayer(shown: boolean): Promise<void> {
    this.#wallet = this.#rig.pay({ caps: { total: { ever: CAP } }, tabLimit: 100n * TRANCHE });
    const quote = this.#life.collector.quote();
    const isKnown = this.#ours !== undefined;
    const ours = await this.#wallet
      .tabFor(quote, { minGrade: this.#minGrade })
      .catch((error: unknown) => {
        // A payer at its cap pays no more; what it has signed stays.
        if (error instanceof BlockcloudError && error.code === "CASHIER_CAP") return undefined;
        throw error;
      });
    if (ours === undefined) return;
    this.#ours = ours;
    if (!isKnown) {
      const { authorization, signature, salt } = ours;
      const opening = { authorization, signature, salt };
      this.#theirs = await committed(this.#life, this.#life.collector.open(opening));
    }
    // What it has used is lost with it; the collector says what it counts. An honest one shows its newest voucher.
    this.#received = this.#theirs.charged;
    if (shown) ours.recover(this.#theirs.last);
  }

  async #startCollector(): Promise<void> {
    const limits = { payer: 16n * TRANCHE, total: 32n * TRANCHE };
    const graded = { highestGrade: 3, gradedCap: 1_000n * TRANCHE };
    this.#life = this.#rig.collect({ exposure: limits, ...graded });
    await this.#life.collector.start();
    if (this.#ours !== undefined) this.#theirs = this.#tab();
    this.#paid = 0n;
  }

  #tab() {
    return this.#life.collector.find(payer, this.#ours.tab)!;
  }

  #check(): void {
    const { paid, charged } = this.#theirs;
    if (this.#failures.length > 0) throw this.#failures[0];
    expect(paid >= this.#paid, "what is paid fell").to.be.true;
    this.#paid = paid;
    const onDisk = this.#rig.collectorDisk.tabs()[0]?.vouchers.at(-1)?.voucher.cumulative ?? 0n;
    expect(onDisk >= paid, "a voucher counted before it was on disk").to.be.true;
    expect(this.#everSigned <= CAP, "the payer signed above its cap").to.be.true;
    const spent = this.#rig.walletDisk.payments().reduce((sum, { amount }) => sum + amount, 0n);
    expect(this.#everSigned <= spent, "a signed amount is not on disk").to.be.true;
    // The payer: what it signed beyond what was served. A stride is a window.
    expect(this.#everSigned - this.#served <= WINDOW, "the payer's loss").to.be.true;
    // The collector: what it served beyond its vouchers, and a window for each crash, for charges not yet on disk.
    const crashes = BigInt(this.#crashes.collector);
    expect(this.#served - paid <= WINDOW * (1n + crashes), "the collector's loss").to.be.true;
    expect(charged <= this.#served).to.be.true;
  }
}
