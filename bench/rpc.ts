import { atMost, type Outcome, type Table } from "./report.ts";
import { measureWorkers, type WorkerRequests } from "./rpc/season.ts";

/**
 * JSON-RPC calls of one worker of each kind over an epoch of an hour with blocks of twelve seconds: the load of an
 * endpoint, and the basis of a provider's bill.
 */
export async function run(say: (message: string) => void): Promise<Outcome> {
  const workers = await measureWorkers({}, say);
  const resolver = workers.find(({ worker }) => worker === "resolver");
  return {
    results: { workers },
    tables: [totals(workers), byMethod(workers)],
    targets: [
      // A resolver reads only the newest blocks.
      atMost("pollsPerBlock", round(resolver?.blocksRead ?? NaN), "polls a block", 1.5),
      ...workers.map(({ worker, callsPerDay }) =>
        atMost(`callsPerDay.${worker}`, Math.round(callsPerDay), "calls a day", 40_000),
      ),
    ],
  };
}

function totals(workers: readonly WorkerRequests[]): Table {
  return {
    title: "JSON-RPC calls of a worker, blocks of 12 s, epochs of an hour",
    columns: ["worker", "blocks read a block", "calls a minute", "HTTP requests", "calls a day"],
    rows: workers.map((each) => [
      each.worker,
      round(each.blocksRead),
      round(each.callsPerMinute),
      each.httpRequests,
      Math.round(each.callsPerDay),
    ]),
  };
}

function byMethod(workers: readonly WorkerRequests[]): Table {
  return {
    title: "By method, an epoch of 300 blocks",
    columns: ["worker", "method", "calls"],
    rows: workers.flatMap(({ worker, calls }) =>
      Object.entries(calls).map(([method, count]) => [worker, method, count]),
    ),
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
