import type { Memory } from "./memory.ts";

/** Memory of this process after a collection; needs `--expose-gc`. */
export function memory(): Memory {
  globalThis.gc?.();
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heap: heapUsed + external };
}
