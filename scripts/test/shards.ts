import { globSync } from "node:fs";
import { root } from "./process.ts";

/** The mocha files of one process. */
export interface Shard {
  files: readonly string[];
  /** Their expected time, seconds. */
  seconds: number;
}

/** Time from which a file has its own process, seconds; shorter files share one. */
const ALONE = 15;
/** Total time of the files that share a process, seconds: each process must load the libraries. */
const TOGETHER = 40;
/** Expected time of an unlisted file, seconds. */
const SHORT = 1;

/** All mocha files, by their paths from the root. */
export function mochaFiles(): string[] {
  return globSync("test/**/*.test.ts", { cwd: root }).sort();
}

/**
 * Divides files among processes, the longest first, so that no long file runs alone at the end.
 *
 * @param seconds Times of long files; only the order depends on them.
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
