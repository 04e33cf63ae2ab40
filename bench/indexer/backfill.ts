import { History, type HistorySize } from "./history.ts";
import { inFolder, memoryOf, processorOf, startIndex, within, type Say } from "./indexing.ts";
import { HistoryNode } from "./node.ts";
import { rounded } from "../quantiles.ts";

export interface Backfill extends HistorySize {
  blocks: number;
  events: number;
  /** From the first request for history until the index follows the head. */
  seconds: number;
  eventsPerSecond: number;
  /** Processor time of Ponder for 1,000 events, milliseconds: start and database included. */
  processorMsPer1000: number;
  requests: number;
  peakMiB: number;
  /** A start with the blocks of the run before: the tables are counted again. */
  again: { seconds: number; eventsPerSecond: number } | undefined;
}

/** How a history is read. */
export interface Reading {
  /** Whether the index is started again, and counts the same blocks once more. */
  again: boolean;
  /** Seconds for each reading, after which the measurement fails. */
  limit: number;
  say: Say;
}

/** Reads a made-up history from a node on loopback that answers at once. */
export function measureBackfill(size: HistorySize, reading: Reading): Promise<Backfill> {
  return inFolder(async (folder) => {
    const { say } = reading;
    const history = new History(size);
    const failure = Promise.withResolvers<never>();
    // It may fail while nobody waits for it.
    failure.promise.catch(() => undefined);
    const node = new HistoryNode(history, failure.reject);
    await node.start();
    try {
      const events = node.countEvents();
      say(`  the history has ${events} events in ${history.head} blocks`);
      const read = () => Promise.race([once(folder, history, node, reading), failure.promise]);
      const first = await read();
      const requests = node.requests;
      const rate = (seconds: number) => Math.round(events / seconds);
      say(`  read in ${rounded(first.seconds, 1)} s`);
      const again = reading.again ? await read() : undefined;
      return {
        ...{ ...size, blocks: history.head, events, requests },
        ...{ seconds: rounded(first.seconds, 1), peakMiB: first.peakMiB },
        eventsPerSecond: rate(first.seconds),
        processorMsPer1000: rounded((first.processor * 1e6) / events, 0),
        again: again && {
          seconds: rounded(again.seconds, 1),
          eventsPerSecond: rate(again.seconds),
        },
      };
    } finally {
      await node.stop();
    }
  });
}

async function once(folder: string, history: History, node: HistoryNode, reading: Reading) {
  const index = await startIndex(folder, history.deployment, node.url, reading.say);
  try {
    await within(reading.limit, "reading the history", index.live);
    const { backfill = NaN, live = NaN } = index.moments;
    const pid = index.indexer.pid ?? 0;
    return { seconds: (live - backfill) / 1000, processor: processorOf(pid), ...memoryOf(pid) };
  } finally {
    await index.stop();
  }
}
