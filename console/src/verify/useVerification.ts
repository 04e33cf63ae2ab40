import { useCallback, useEffect, useRef, useState } from "react";
import { failureOf } from "../acts/ui/failure.ts";
import type { PageError } from "../failure.ts";
import {
  startVerification,
  type Verification,
  type VerifyOrder,
  type WorkerLike,
} from "./client.ts";
import type { Progress } from "./progress.ts";
import type { VerifyResult } from "./verify.ts";

export interface VerificationState {
  progress: Progress | undefined;
  result: VerifyResult | undefined;
  failure: PageError | undefined;
  start(order: VerifyOrder): void;
  cancel(): void;
}

/** One recount at a time, in a thread; it ends when the reader leaves the page. */
export function useVerification(): VerificationState {
  const [progress, setProgress] = useState<Progress>();
  const [result, setResult] = useState<VerifyResult>();
  const [failure, setFailure] = useState<PageError>();
  const running = useRef<Verification>(undefined);
  const cancel = useCallback(() => {
    running.current?.cancel();
  }, []);
  const start = useCallback((order: VerifyOrder) => {
    running.current?.cancel();
    setResult(undefined);
    setFailure(undefined);
    setProgress({ stage: "blocks", share: 0 });
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    const mine = startVerification(worker as unknown as WorkerLike, order, (next) => {
      if (running.current === mine) setProgress(next);
    });
    running.current = mine;
    mine.result
      .then(
        (done) => {
          if (running.current === mine) setResult(done);
        },
        (error: unknown) => {
          if (running.current === mine) setFailure(failureOf(error));
        },
      )
      .finally(() => {
        if (running.current === mine) setProgress(undefined);
      });
  }, []);
  useEffect(
    () => () => {
      const left = running.current;
      running.current = undefined;
      left?.cancel();
    },
    [],
  );
  return { progress, result, failure, start, cancel };
}
