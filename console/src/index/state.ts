import { useEffect, useState } from "react";
import { useHead, useSources } from "../context.tsx";
import { useRead } from "../useRead.ts";
import { isFar, lagOf, NEAR } from "./lag.ts";

/** Whether the index can be used, and how old what it says is. */
export type IndexState =
  | { kind: "none" }
  | { kind: "asking" }
  | { kind: "empty" }
  | { kind: "current" }
  | { kind: "behind"; behind: bigint; seconds: number; isFar: boolean }
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
  const lag = progress === undefined ? undefined : lagOf(progress, head);
  if (failure !== undefined) {
    return { kind: "failing", code: failure.code, why: failure.message, seconds: lag?.seconds };
  }
  if (value === undefined) return { kind: "asking" };
  if (lag === undefined) return { kind: "empty" };
  const { blocks: behind, seconds } = lag;
  return behind <= NEAR
    ? { kind: "current" }
    : { kind: "behind", behind, seconds, isFar: isFar(lag) };
}
