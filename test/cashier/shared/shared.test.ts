import { expect } from "chai";
import fc from "fast-check";
import "../../support/arbitraries.ts";
import { runs } from "../../support/runs.ts";
import { TRANCHE, WINDOW } from "../rig/payRig.ts";
import { Story } from "./story.ts";

type Step =
  | { is: "serve" | "pay" | "end"; at: number }
  | { is: "deliver"; at: number; there: boolean }
  | { is: "replace" }
  | { is: "crash" }
  | { is: "commit" };

const at = fc.nat(3);
const calm: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ is: fc.constant("serve"), at }) },
  { weight: 5, arbitrary: fc.record({ is: fc.constant("pay"), at }) },
  {
    weight: 10,
    arbitrary: fc.record({ is: fc.constant("deliver"), at, there: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("replace") }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("end"), at }) },
);
const crashing: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: calm },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("crash") }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("commit") }) },
);

async function play(story: Story, step: Step): Promise<void> {
  const process = "at" in step ? story.processes[step.at % story.processes.length] : undefined;
  switch (step.is) {
    case "serve":
      if (process !== undefined) story.serve(process);
      break;
    case "pay":
      if (process !== undefined) await story.pay(process);
      break;
    case "end":
      if (process !== undefined) story.end(process);
      break;
    case "deliver":
      process?.deliver(step.there);
      break;
    case "commit":
      story.newest.life.commit();
      break;
    case "replace":
      await story.replace();
      break;
    case "crash":
      await story.crash();
  }
}

describe("a tab at processes of which each takes the place of the one before", () => {
  it("is charged for what all of them served, once, and never beyond its window", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(calm, { minLength: 30, maxLength: 150 }), async (steps) => {
        const story = new Story();
        await story.begin();
        for (const step of steps) {
          await play(story, step);
          expect(story.served <= story.paid + WINDOW, `${step.is}: window`).to.equal(true);
        }
        story.settle();
        expect(story.counted).to.equal(story.served);
      }),
      { numRuns: runs(150, 5_000) },
    );
  });

  it("is never charged twice, whichever process dies and when", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(crashing, { minLength: 30, maxLength: 150 }), async (steps) => {
        const story = new Story();
        await story.begin();
        for (const step of steps) {
          await play(story, step);
          expect(story.counted <= story.served, `${step.is}: twice`).to.equal(true);
          // Each crash costs the provider at most what it serves before it writes, of all processes.
          const lost = BigInt(story.crashes) * (WINDOW + TRANCHE);
          expect(story.served <= story.paid + WINDOW + lost, `${step.is}: window`).to.equal(true);
        }
      }),
      { numRuns: runs(150, 5_000) },
    );
  });
});
