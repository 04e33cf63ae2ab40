import { useHead, useSources, type Sources } from "./context.tsx";
import type { IndexClient } from "./index/client.ts";
import { caughtUp } from "./index/lag.ts";
import { asFailure } from "./failure.ts";
import type { Source } from "./model.ts";
import { useRead, type Reading } from "./useRead.ts";

/** A value, and where it is from. */
export interface From<T> {
  value: T;
  source: Source;
  /** The code of why the index was not used, if there is one. */
  whyNot: string | undefined;
}

/**
 * Reads from the index, and where that fails, or is far behind, from the chain, which knows less; the page says which.
 */
export function useEither<T>(
  subject: string,
  version: string | number | bigint,
  fromIndex: (index: IndexClient, signal: AbortSignal) => Promise<T>,
  fromChain: (sources: Sources, signal: AbortSignal) => Promise<T>,
): Reading<From<T>> {
  const sources = useSources();
  const head = useHead();
  return useRead(subject, version, async (signal) => {
    const { index } = sources;
    if (index === undefined) {
      return { value: await fromChain(sources, signal), source: "chain", whyNot: undefined };
    }
    try {
      return {
        value: await fromIndex(await caughtUp(index, head, signal), signal),
        source: "index",
        whyNot: undefined,
      };
    } catch (error) {
      signal.throwIfAborted();
      const { code } = asFailure(error);
      return { value: await fromChain(sources, signal), source: "chain", whyNot: code };
    }
  });
}
