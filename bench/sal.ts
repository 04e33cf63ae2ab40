import { availableParallelism, loadavg } from "node:os";
import { rounded } from "./quantiles.ts";
import { atLeast, atMost, type Outcome } from "./report.ts";
import { measureThroughput, salVsTls, throughputTable, type Throughput } from "./sal/throughput.ts";

const throughputSettings = { rounds: 7, bytes: 128 * 2 ** 20, flows: [1, 32] };

/** All measurements. */
interface Results {
  /** The machine's load in the minute before: other processes affect the figures, too. */
  load: number;
  throughput: Throughput;
}

/** The SAL beside its peers: throughput, latency, memory, moves, and the local proxy. */
export async function run(say: (message: string) => void): Promise<Outcome> {
  const load = rounded(loadavg()[0] ?? NaN, 1);
  const throughput = await measureThroughput(throughputSettings, say);
  return outcomeOf({ load, throughput });
}

function outcomeOf(results: Results): Outcome {
  const { load, throughput } = results;
  const notes = [
    "Servers and clients are a process each, on one machine, over loopback; they share its cores.",
    "Ways are measured in turn, round by round; figures are medians of the rounds, ratios the median of the rounds' ratios.",
    "The client compares each byte with what was sent, on every way.",
    `Load of the machine in the minute before: ${load}, of ${availableParallelism()} cores.`,
  ];
  return {
    results: { ...results },
    tables: [
      { title: "What this is", columns: ["note"], rows: notes.map((note) => [note]) },
      throughputTable(throughput),
    ],
    targets: [
      atLeast("singleFlowVsTls", salVsTls(throughput, 1), "of bare TLS", 0.85),
      atMost("bytesWrong", throughput.bytesWrong, "bytes", 0),
    ],
  };
}
