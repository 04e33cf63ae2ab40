import { setTimeout as pause } from "node:timers/promises";
import { quantiles, rounded, roundedQuantiles, type Quantiles } from "../quantiles.ts";
import type { Table } from "../report.ts";
import { Worker } from "../resolve/worker.ts";
import type { Change, Counts, MoveSettings, Paths, Stage } from "./stage.ts";
import type { Loss } from "./reconnecting.ts";
import { countFalseMoves, type FalseMoves } from "./stalls.ts";

/** Who moves. */
export const situations = ["announced", "client", "provider", "both"] as const;
export type Situation = (typeof situations)[number];

export interface Gaps {
  situation: Situation;
  /** From the last byte before to the first byte after, milliseconds. */
  gapMs: Quantiles;
  /** The same without the 99th percentile of gaps at instants without a move, in the same run. */
  net: Quantiles;
  /** Gaps at instants without a move. */
  quietMs: Quantiles;
  moves: number;
  falseAlarms: number;
  wrong: number;
  gibReceived: number;
  tcp: { gapMs: Quantiles; lost: Quantiles; repeated: Quantiles };
}

export interface Moves {
  settings: MoveSettings;
  gaps: readonly Gaps[];
  falseMoves: FalseMoves;
}

/** Gaps of a transfer at full speed while provider, client or both move; and moves that nothing called for. */
export async function measureMoves(
  settings: MoveSettings,
  say: (message: string) => void,
): Promise<Moves> {
  const stage: Stage = {
    provider: new Worker("../sal/movingProvider.ts"),
    relay: new Worker("../sal/relay.ts"),
    client: new Worker("../sal/mover.ts"),
  };
  const { provider, relay } = stage;
  const { lookupMs } = settings;
  try {
    const direct = await provider.call<number[]>("start");
    const live = await provider.call<number[]>("live");
    const relayed = async (to = 0): Promise<Paths> => ({
      ports: await relay.call<number[][]>("open", { to, count: 2 }),
      lookupMs,
    });
    const paths = { sal: await relayed(direct[0]), tcp: await relayed(live[0]) };
    // An announced move needs nobody who silences a path.
    const open = { sal: { ports: [direct], lookupMs }, tcp: { ports: [live], lookupMs } };
    const gaps: Gaps[] = [];
    for (const situation of situations) {
      say(`moves: ${situation}`);
      const { sal, tcp } = situation === "announced" ? open : paths;
      gaps.push(await measureGaps(situation, sal, tcp, settings, stage));
    }
    say(`stalls of ${settings.stallMs} ms`);
    const falseMoves = await countFalseMoves(paths.sal, settings, stage);
    return { settings, gaps, falseMoves };
  } finally {
    await Promise.all(Object.values(stage).map((each: Worker) => each.stop()));
  }
}

async function measureGaps(
  situation: Situation,
  paths: Paths,
  tcpPaths: Paths,
  settings: MoveSettings,
  stage: Stage,
): Promise<Gaps> {
  const { client } = stage;
  const { pauseMs } = settings;
  const gaps: number[] = [];
  const quiet: number[] = [];
  await client.call("begin", paths);
  for (let n = 1; n <= settings.moves; n += 1) {
    quiet.push(...(await client.call<number[]>("around", { times: 2, pauseMs: pauseMs / 2 })));
    gaps.push(await change(situation, n % 2, "move", stage));
  }
  const { falseAlarms, wrong, received, moves } = await client.call<Counts>("finish");
  const tcp: Loss[] = [];
  await client.call("tcpBegin", tcpPaths);
  for (let n = 1; n <= settings.tcpMoves; n += 1) {
    await pause(pauseMs);
    tcp.push(await change<Loss>(situation, n % 2, "tcpMove", stage));
  }
  await client.call("tcpFinish");
  const quietMs = roundedQuantiles(quantiles(quiet), 1);
  const over = (figure: number) => rounded(Math.max(0, figure - quietMs.p99), 1);
  const gapMs = roundedQuantiles(quantiles(gaps), 1);
  const of = (figure: keyof Loss) =>
    roundedQuantiles(quantiles(tcp.map((each) => each[figure])), 0);
  return {
    ...{ situation, gapMs, quietMs, moves, falseAlarms, wrong },
    net: { p50: over(gapMs.p50), p99: over(gapMs.p99), max: over(gapMs.max) },
    gibReceived: rounded(received / 2 ** 30, 1),
    tcp: { gapMs: of("gapMs"), lost: of("lost"), repeated: of("repeated") },
  };
}

/** One move to a network or a place; resolves when the transfer goes on. */
async function change<T = number>(
  situation: Situation,
  to: number,
  call: "move" | "tcpMove",
  { client, provider, relay }: Stage,
): Promise<T> {
  const from = 1 - to;
  if (situation === "announced") {
    // The session learns the place from the announcement; the application over TCP has looked it up.
    const moved = client.call<T>(call, call === "tcpMove" ? { place: to } : {});
    await provider.call(call === "tcpMove" ? "reset" : "migrate", to);
    return moved;
  }
  const change = (number: number): Change => ({
    network: situation === "provider" ? undefined : number,
    place: situation === "client" ? undefined : number,
  });
  const moved = client.call<T>(call, change(to));
  await relay.call("silence", change(from));
  const result = await moved;
  await relay.call("forget");
  return result;
}

/** The 99th percentile of a situation's gaps, less that of gaps without a move. */
export function gapP99({ gaps }: Moves, situation: Situation): number {
  return gaps.find((each) => each.situation === situation)?.net.p99 ?? NaN;
}

const names: Record<Situation, string> = {
  announced: "provider, announced",
  client: "client",
  provider: "provider, unannounced",
  both: "both at once",
};

export function movesTables({ gaps, falseMoves, settings }: Moves): Table[] {
  return [
    {
      title: `Gaps over ${settings.moves} moves at full speed, milliseconds; a lookup takes ${settings.lookupMs} ms`,
      columns: [
        "who moves",
        "p50",
        "p99",
        "most",
        "no move: p99",
        "p50 less that",
        "p99 less that",
        "false alarms",
      ],
      rows: gaps.map(({ situation, gapMs, quietMs, net, falseAlarms }) => [
        ...[names[situation], gapMs.p50, gapMs.p99, gapMs.max, quietMs.p99],
        ...[net.p50, net.p99, falseAlarms],
      ]),
    },
    {
      title: `The same with TCP and an application that dials again, ${settings.tcpMoves} moves`,
      columns: [
        "who moves",
        "gap p50, ms",
        "p99",
        "bytes lost p50",
        "most",
        "or repeated p50",
        "most",
      ],
      rows: gaps.map(({ situation, tcp: { gapMs, lost, repeated } }) => [
        ...[names[situation], gapMs.p50, gapMs.p99, lost.p50, lost.max, repeated.p50, repeated.max],
      ]),
    },
    {
      title: `Sessions that moved because of a stall of ${settings.stallMs} ms, of ${settings.stalls}`,
      columns: ["what stalls", "moved", "dialled beside"],
      rows: [
        ["the provider's process", falseMoves.provider.moves, falseMoves.provider.falseAlarms],
        ["the path, a relay", falseMoves.path.moves, falseMoves.path.falseAlarms],
      ],
    },
  ];
}
