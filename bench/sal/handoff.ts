import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { quantiles, rounded, roundedQuantiles, type Quantiles } from "../quantiles.ts";
import { atMost, type Outcome, type Table } from "../report.ts";
import { Worker } from "../resolve/worker.ts";

/** Handoffs under a transfer, and sessions with an open flow at one handoff. */
const SETTINGS = { handoffs: 15, sessions: 1_000, rounds: 3 };

export interface Handoffs {
  /** Widest pause of a transfer while another process takes the place of its own, milliseconds. */
  stays: Quantiles;
  /** The same when its connection ends then, and it goes on through the new process. */
  through: Quantiles;
  /** Widest pause around instants at which nothing happens. */
  quiet: Quantiles;
  /** From the wish to replace a process until all sessions' flows have carried a byte after it, medians of rounds. */
  sessionsMs: number;
  /** Until all of them have a new flow in the new process. */
  freshMs: number;
  /** Until all have gone on through the new process, if all their connections end. */
  throughMs: number;
  wrong: number;
}

/** Processes of a provider of which each takes the place of the one before, under load. */
export async function measureHandoffs(say: (message: string) => void): Promise<Handoffs> {
  const folder = mkdtempSync(path.join(tmpdir(), "handoff-"));
  const client = new Worker("../sal/handoffClient.ts");
  const providers: Worker[] = [];
  const next = () => {
    const provider = new Worker("../sal/handoffProvider.ts");
    providers.push(provider);
    return provider;
  };
  /** Ends the processes that were replaced. */
  const tidy = async () => {
    await Promise.all(providers.splice(0, providers.length - 1).map((each) => each.stop()));
  };
  try {
    let newest = next();
    const port = await newest.call<number>("take", folder);
    const [stays, through, quiet]: [number[], number[], number[]] = [[], [], []];
    say(`${SETTINGS.handoffs} handoffs under a transfer`);
    for (let n = 0; n < SETTINGS.handoffs; n += 1) {
      await client.call("begin", port);
      quiet.push(...(await client.call<number[]>("around", 4)));
      const old = newest;
      newest = next();
      // The start of a process is not a part of its handoff.
      await newest.call("sessions");
      await client.call("during");
      await newest.call("take", folder);
      stays.push(await client.call<number>("over", { moves: false }));
      await client.call("around", 2);
      await client.call("during");
      const gap = client.call<number>("over", { moves: true });
      await old.call("release");
      through.push(await gap);
      await client.call("around", 2);
      await tidy().catch(() => undefined);
    }
    const wrong = await client.call<number>("finish");
    const [sessionsMs, freshMs, throughMs]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < SETTINGS.rounds; round += 1) {
      say(`${SETTINGS.sessions} sessions, round ${round + 1}`);
      const users = new Worker("../sal/handoffClient.ts");
      await users.call("open", { count: SETTINGS.sessions, at: port });
      const old = newest;
      newest = next();
      await newest.call("sessions");
      const began = performance.now();
      const since = () => performance.now() - began;
      await newest.call("take", folder);
      await users.call("echoes", { moves: false });
      sessionsMs.push(since());
      await users.call("fresh");
      freshMs.push(since());
      const released = performance.now();
      const moved = users.call("echoes", { moves: true });
      await old.call("release");
      await moved;
      throughMs.push(performance.now() - released);
      await users.stop();
      await tidy();
    }
    const median = (figures: readonly number[]) => rounded(quantiles(figures).p50, 0);
    return {
      stays: roundedQuantiles(quantiles(stays), 1),
      through: roundedQuantiles(quantiles(through), 1),
      quiet: roundedQuantiles(quantiles(quiet), 1),
      ...{ sessionsMs: median(sessionsMs), freshMs: median(freshMs) },
      ...{ throughMs: median(throughMs), wrong },
    };
  } finally {
    await Promise.all([client, ...providers].map((each) => each.stop()));
    rmSync(folder, { recursive: true });
  }
}

export function handoffTable({ stays, through, quiet, ...all }: Handoffs): Table {
  const rows = [
    ["a flow stays with its process", stays],
    ["its connection ends, and it goes on through the new process", through],
    ["nothing happens", quiet],
  ] as const;
  return {
    title: `A process takes the place of another, ${SETTINGS.handoffs} times; pauses of a transfer, and ${SETTINGS.sessions} sessions, ms`,
    columns: ["what", "p50", "p99", "most"],
    rows: [
      ...rows.map(([what, { p50, p99, max }]) => [what, p50, p99, max]),
      [`${SETTINGS.sessions} sessions: their flows go on`, all.sessionsMs, "", ""],
      [`${SETTINGS.sessions} sessions: a new flow of each in the new process`, all.freshMs, "", ""],
      [
        `${SETTINGS.sessions} sessions: all connections end, all go on through it`,
        all.throughMs,
        "",
        "",
      ],
    ],
  };
}

/** The targets of handoffs. The pause is the larger of the two, without those that nothing causes. */
export function handoffTargets({ stays, through, quiet, sessionsMs, wrong }: Handoffs) {
  const gap = Math.max(stays.p99, through.p99) - quiet.p99;
  return [
    atMost("gapHandoffP99Ms", rounded(Math.max(0, gap), 1), "ms", 100),
    atMost("handoff1000SessionsMs", sessionsMs, "ms", 1_500),
    atMost("handoffBytesWrong", wrong, "bytes", 0),
  ];
}

/** The benchmark `sal` without its other parts. */
export async function run(say: (message: string) => void): Promise<Outcome> {
  const results = await measureHandoffs(say);
  return {
    results: { ...results },
    tables: [handoffTable(results)],
    targets: handoffTargets(results),
  };
}
