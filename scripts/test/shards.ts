import { globSync } from "node:fs";
import { root } from "./process.ts";

/** Mocha files that one process runs. */
export interface Shard {
  files: readonly string[];
  /** What they may take, seconds. */
  seconds: number;
}

/** A file from this length on has a process of its own, seconds; shorter ones share. */
const ALONE = 15;
/** What the files that share a process take together, seconds: each process loads the libraries anew. */
const TOGETHER = 40;
/** What a file takes that is not listed, seconds. */
const SHORT = 1;

/** All mocha files, by their paths from the root. */
export function mochaFiles(): string[] {
  return globSync("test/**/*.test.ts", { cwd: root }).sort();
}

/**
 * Divides files among processes, the longest first, so that none of them is left over at the end.
 *
 * @param seconds What files take that are not short; only the order depends on it.
 */
export function shards(
  files: readonly string[],
  seconds: Readonly<Record<string, number>>,
): Shard[] {
  const timed = files
    .map((file) => ({ file, seconds: seconds[file] ?? SHORT }))
    .sort((a, b) => b.seconds - a.seconds);
  const alone = timed
    .filter((each) => each.seconds >= ALONE)
    .map((each) => ({ files: [each.file], seconds: each.seconds }));
  const short = timed.slice(alone.length);
  const sum = short.reduce((total, each) => total + each.seconds, 0);
  const shared = Array.from({ length: Math.ceil(sum / TOGETHER) }, () => ({
    files: [] as string[],
    seconds: 0,
  }));
  for (const each of short) {
    const emptiest = shared.reduce((best, shard) => (shard.seconds < best.seconds ? shard : best));
    emptiest.files.push(each.file);
    emptiest.seconds += each.seconds;
  }
  return [...alone, ...shared].sort((a, b) => b.seconds - a.seconds);
}
