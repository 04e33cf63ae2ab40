import { availableParallelism, loadavg } from "node:os";
import { rounded } from "./quantiles.ts";
import { atLeast, atMost, type Outcome } from "./report.ts";
import { latencyTables, measureLatency, type Latency } from "./sal/latency.ts";
import {
  idleFlowBytes,
  idleSessionBytes,
  measureMemory,
  memoryTable,
  type MemoryResult,
} from "./sal/memory.ts";
import { gapP99, measureMoves, movesTables, type Moves } from "./sal/moves.ts";
import { handoffTable, handoffTargets, measureHandoffs, type Handoffs } from "./sal/handoff.ts";
import { measurePair, pairTable, type PairResult } from "./sal/proxyPair.ts";
import {
  measureSingleFlow,
  singleFlowTable,
  singleFlowVsTls,
  type SingleFlow,
} from "./sal/singleFlow.ts";
import { measureRelayed, relayedTables, type Relayed } from "./sal/relayed.ts";
import { relayedSettings, relayTargets } from "./sal-relay.ts";
import { measureUpgrades, upgradesTable, upgradeTargets, type Upgrades } from "./sal/upgrade.ts";
import { measureThroughput, throughputTable, type Throughput } from "./sal/throughput.ts";

const throughputSettings = { rounds: 7, bytes: 128 * 2 ** 20, flows: [1, 32] };
const latencySettings = {
  ...{ rounds: 5, milliseconds: 1000, concurrency: 8 },
  ...{ firstFlows: 20, furtherFlows: 200 },
};
const memorySettings = { counts: [1_000, 10_000], warm: 100 };
const moveSettings = {
  ...{ moves: 200, tcpMoves: 20, stalls: 20, stallMs: 300 },
  ...{ pauseMs: 100, lookupMs: 100 },
};
const upgradeSettings = { cones: 100, others: 20 };
const pairSettings = { rounds: 7, bytes: 128 * 2 ** 20, flows: [1, 8] };

/** All measurements. */
export interface Results {
  /** The machine's load in the minute before: other processes affect the figures, too. */
  load: number;
  single: SingleFlow;
  throughput: Throughput;
  latency: Latency;
  memory: MemoryResult;
  moves: Moves;
  pair: PairResult;
  relayed: Relayed;
  handoffs: Handoffs;
  upgrades: Upgrades;
}

/** The SAL beside its peers: throughput, latency, memory, moves, and the local proxy. */
export async function run(say: (message: string) => void): Promise<Outcome> {
  const load = rounded(loadavg()[0] ?? NaN, 1);
  const single = await measureSingleFlow(say);
  const throughput = await measureThroughput(throughputSettings, say);
  const pair = await measurePair(pairSettings, say);
  const latency = await measureLatency(latencySettings, say);
  const moves = await measureMoves(moveSettings, say);
  const relayed = await measureRelayed(relayedSettings, say);
  const handoffs = await measureHandoffs(say);
  const memory = await measureMemory(memorySettings, say);
  const upgrades = await measureUpgrades(upgradeSettings, say);
  const moved = { moves, relayed, handoffs, upgrades };
  return outcomeOf({ load, single, throughput, latency, memory, pair, ...moved });
}

/** Builds tables and targets. */
export function outcomeOf(results: Results): Outcome {
  const { load, single, throughput, latency, memory, moves, pair } = results;
  const { relayed, handoffs, upgrades } = results;
  const notes = [
    "Servers, clients and relays are a process each, on one machine, over loopback; they share its cores.",
    "Ways are measured in turn, round by round; figures are medians of the rounds, ratios the median of the rounds' ratios.",
    "The client compares each byte with what was sent, on every way; TLS, TCP and HTTP/2 write 64 KiB at a time, as the SAL does.",
    "The latency of a further flow is what it adds to one byte there and back over an open TLS connection, 99th percentiles of the same rounds.",
    "idleFlowBytes counts the larger side, idleSessionBytes the provider's side, at the count that needs more.",
    "Gaps are from the last byte before to the first byte after, less the 99th percentile of the gaps around instants at which nothing moved, in the same run.",
    "A client that moves is a relay that passes nothing on and ends nothing; the client's addresses do not change, so only silence tells it.",
    `Load of the machine in the minute before: ${load}, of ${availableParallelism()} cores.`,
  ];
  const { falseMoves } = moves;
  const wrong =
    throughput.bytesWrong + pair.bytesWrong + moves.gaps.reduce((sum, each) => sum + each.wrong, 0);
  return {
    results: { ...results },
    tables: [
      { title: "What this is", columns: ["note"], rows: notes.map((note) => [note]) },
      singleFlowTable(single),
      throughputTable(throughput),
      pairTable(pair),
      ...latencyTables(latency),
      memoryTable(memory),
      ...movesTables(moves),
      ...relayedTables(relayed),
      handoffTable(handoffs),
      upgradesTable(upgrades),
    ],
    targets: [
      atLeast("singleFlowVsTls", singleFlowVsTls(single), "of bare TLS", 0.85),
      atLeast("proxyVsNodePair", pair.rates[0]?.salVsNode ?? NaN, "of plain Node", 0.85),
      atMost("furtherFlowP99Ms", addedP99(latency.further), "ms", 1),
      atMost("furtherFlowLoadedP99Ms", addedP99(latency.loaded), "ms", 25),
      atMost("gapAnnouncedP99Ms", gapP99(moves, "announced"), "ms", 40),
      atMost("gapClientMovesP99Ms", gapP99(moves, "client"), "ms", 250),
      atMost("gapProviderMovesP99Ms", gapP99(moves, "provider"), "ms", 500),
      atMost("gapBothMoveP99Ms", gapP99(moves, "both"), "ms", 600),
      ...handoffTargets(handoffs),
      atMost("falseMoves", falseMoves.provider.moves + falseMoves.path.moves, "moves", 0),
      atMost("idleFlowBytes", idleFlowBytes(memory), "bytes", 4_096),
      atMost("idleSessionBytes", idleSessionBytes(memory), "bytes", 98_304),
      ...relayTargets(relayed),
      atMost("bytesWrong", wrong, "bytes", 0),
      ...upgradeTargets(upgrades),
    ],
  };
}

/** What the SAL adds to bare TLS, 99th percentiles, milliseconds. */
function addedP99({ sal, tls }: Latency["further"]): number {
  return rounded(Math.max(0, sal.p99 - tls.p99), 2);
}
