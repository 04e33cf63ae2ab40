import { useEffect, useState } from "react";
import { useHead, useSources } from "../context.tsx";
import { useRead } from "../useRead.ts";

/** Blocks that the index may be behind before the page says so. */
const NEAR = 3n;

/** Whether the index can be used, and how old what it says is. */
export type IndexState =
  | { kind: "none" }
  | { kind: "asking" }
  | { kind: "current"; block: bigint; behind: bigint }
  | { kind: "behind"; block: bigint; behind: bigint; seconds: number }
  | { kind: "failing"; code: string; why: string; seconds: number | undefined };

/** Follows the index's progress beside the chain's. */
export function useIndexState(): IndexState {
  const { index } = useSources();
  const head = useHead();
  const [beat, setBeat] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => {
      setBeat((before) => before + 1);
    }, 5_000);
    return () => {
      clearInterval(timer);
    };
  }, []);
  const { value, failure } = useRead(
    index === undefined ? "" : "progress",
    beat,
    async (signal) => ({
      progress: await index?.progress(signal),
    }),
  );
  if (index === undefined) return { kind: "none" };
  const progress = value?.progress;
  const seconds =
    progress === undefined ? undefined : Math.max(0, head.timestamp - progress.timestamp);
  if (failure !== undefined) {
    return { kind: "failing", code: failure.code, why: failure.message, seconds };
  }
  if (progress === undefined || seconds === undefined) return { kind: "asking" };
  const behind = head.number > progress.block ? head.number - progress.block : 0n;
  return behind <= NEAR
    ? { kind: "current", block: progress.block, behind }
    : { kind: "behind", block: progress.block, behind, seconds };
}
