import { useEffect, useRef, useState } from "react";
import { asFailure, type PageError } from "./failure.ts";

/** What a page knows of something that it reads again and again. */
export interface Reading<T> {
  /** The newest value; it stays while a newer one is read, and when that fails. */
  value: T | undefined;
  /** Why the newest read failed. */
  failure: PageError | undefined;
  /** `performance.now()` when the value arrived. */
  at: number | undefined;
}

const NOTHING = { value: undefined, failure: undefined, at: undefined };

/**
 * Reads now, and again when `version` changes. One read at a time: versions that come during a read are answered by
 * one read after it. A change of `subject` drops the value, because it belongs to something else.
 *
 * @param subject What is read, as text.
 * @param version When it may have changed: the number of a block or of an epoch.
 */
export function useRead<T>(
  subject: string,
  version: string | number | bigint,
  read: (signal: AbortSignal) => Promise<T>,
): Reading<T> {
  const [state, setState] = useState<Reading<T> & { subject: string }>({ ...NOTHING, subject });
  const newest = useRef({ read, version });
  const wake = useRef<() => void>(() => undefined);
  useEffect(() => {
    newest.current = { read, version };
    wake.current();
  }, [read, version]);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let isReading = false;
    let answered: typeof version | undefined;
    const next = async () => {
      if (isReading) return;
      isReading = true;
      while (!signal.aborted && answered !== newest.current.version) {
        const { read: readNow, version: asked } = newest.current;
        try {
          const value = await readNow(signal);
          if (!signal.aborted)
            setState({ value, failure: undefined, at: performance.now(), subject });
        } catch (error) {
          const failure = asFailure(error);
          if (!signal.aborted) {
            setState((before) =>
              before.subject === subject
                ? { ...before, failure }
                : { ...NOTHING, failure, subject },
            );
          }
        }
        answered = asked;
      }
      isReading = false;
    };
    wake.current = () => void next();
    void next();
    return () => {
      controller.abort();
    };
  }, [subject]);
  return state.subject === subject ? state : NOTHING;
}
