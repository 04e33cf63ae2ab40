import { useSyncExternalStore } from "react";
import { chainTime } from "../chain/head.ts";
import { useHead } from "../context.tsx";

const listeners = new Set<() => void>();
let now = performance.now();
let timer: ReturnType<typeof setInterval> | undefined;

/** One timer for all clocks of the page. */
function listen(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = performance.now();
    for (const each of listeners) each();
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The chain's time, each second. */
export function useChainTime(): number {
  const head = useHead();
  const at = useSyncExternalStore(listen, () => now);
  return chainTime(head, Math.max(at, head.seenAt));
}
