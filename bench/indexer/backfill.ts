import { History, type HistorySize } from "./history.ts";
import { inFolder, memoryOf, processorOf, startIndex } from "./indexing.ts";
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
  againSeconds: number;
  againEventsPerSecond: number;
}

/** Reads a made-up history from a node on loopback that answers at once, and counts it again after a restart. */
export function measureBackfill(size: HistorySize): Promise<Backfill> {
  return inFolder(async (folder) => {
    const history = new History(size);
    const node = new HistoryNode(history);
    await node.start();
    try {
      const events = node.countEvents();
      const first = await once(folder, history, node);
      const requests = node.requests;
      const again = await once(folder, history, node);
      return {
        ...{ ...size, blocks: history.head, events, requests },
        ...{ seconds: rounded(first.seconds, 1), peakMiB: first.peakMiB },
        eventsPerSecond: Math.round(events / first.seconds),
        processorMsPer1000: rounded((first.processor * 1e6) / events, 0),
        againSeconds: rounded(again.seconds, 1),
        againEventsPerSecond: Math.round(events / again.seconds),
      };
    } finally {
      await node.stop();
    }
  });
}

async function once(folder: string, history: History, node: HistoryNode) {
  const index = await startIndex(folder, history.deployment, node.url);
  try {
    await index.live;
    const { backfill = NaN, live = NaN } = index.moments;
    const pid = index.indexer.pid ?? 0;
    return { seconds: (live - backfill) / 1000, processor: processorOf(pid), ...memoryOf(pid) };
  } finally {
    await index.stop();
  }
}
