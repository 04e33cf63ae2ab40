import { availableParallelism, loadavg } from "node:os";
import { measureBackfill, type Backfill } from "./indexer/backfill.ts";
import { measureHeadLag, type HeadLag } from "./indexer/headLag.ts";
import { rounded } from "./quantiles.ts";
import { atLeast, atMost, type Outcome } from "./report.ts";

/** An active network: every audit, settlement and payment of some days. */
const ACTIVE = {
  ...{ services: 300, auditors: 15, epochs: 40 },
  ...{ registrationsPerBlock: 30, registrationsPerTransaction: 1 },
};
/** A large one, of which only the registrations and one audit are read. */
const LARGE = {
  ...{ services: 100_000, auditors: 20, epochs: 1 },
  ...{ registrationsPerBlock: 200, registrationsPerTransaction: 50 },
};
const LAG_SAMPLES = 300;
/** Seconds for a reading of each history, some times what the target allows; more is an error. */
const LIMIT = { active: 240, large: 900 };

const setting = [
  "Ponder 0.16.10 with PGlite, behind the command's two fronts; all on loopback, on one machine with the node.",
  "backfill: a made-up history with the calldata, words and weights of real rounds, from a node that answers at once; the time of the node and of the front counts.",
  "again: a restart; the tables are counted anew from the blocks that the database keeps.",
  "large: 100,000 services register, and are audited once; memory is the peak of Ponder's process.",
  "head lag: the embedded chain with a block a second, each with an event; sampled 10 times a second.",
];

/** The measurements. */
export interface Results {
  setting: readonly string[];
  load: number;
  active: Backfill;
  large: Backfill;
  headLag: HeadLag;
}

/** Rate of backfill, lag behind the head, memory of the index. */
export async function run(say: (message: string) => void): Promise<Outcome> {
  const load = rounded(loadavg()[0] ?? NaN, 1);
  say(`reading the history of ${ACTIVE.services} services and ${ACTIVE.epochs} epochs`);
  const active = await measureBackfill(ACTIVE, { again: true, limit: LIMIT.active, say });
  say(`${active.eventsPerSecond} events a second; following the embedded chain`);
  const headLag = await measureHeadLag(LAG_SAMPLES, say);
  say(`reading ${LARGE.services} services`);
  const large = await measureBackfill(LARGE, { again: false, limit: LIMIT.large, say });
  return outcomeOf({ setting, load, active, large, headLag });
}

/** Tables and targets of the measurements. */
export function outcomeOf(results: Results): Outcome {
  const { active, large, headLag } = results;
  const busy = `Load of the machine in the minute before: ${results.load}, of ${availableParallelism()} cores.`;
  return {
    results: { ...results },
    tables: [
      {
        title: "What this is",
        columns: ["note"],
        rows: [...results.setting, busy].map((note) => [note]),
      },
      {
        title: "Backfill",
        columns: [
          "history",
          "events",
          "s",
          "events/s",
          "CPU ms/1000",
          "again s",
          "again events/s",
          "peak MiB",
        ],
        rows: [["active", active] as const, ["large", large] as const].map(([name, each]) => [
          ...[name, each.events, each.seconds, each.eventsPerSecond, each.processorMsPer1000],
          ...[each.again?.seconds ?? "", each.again?.eventsPerSecond ?? "", each.peakMiB],
        ]),
      },
      {
        title: "Blocks behind the head",
        columns: ["samples", "p50", "p99", "max"],
        rows: [[headLag.samples, headLag.blocks.p50, headLag.blocks.p99, headLag.blocks.max]],
      },
    ],
    targets: [
      atLeast("backfillEventsPerSecond", active.eventsPerSecond, "events/s", 2_000),
      atMost("headLagBlocks", headLag.blocks.p99, "blocks", 1),
    ],
  };
}
