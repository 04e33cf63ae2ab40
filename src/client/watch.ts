import type { Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { Answer, Change } from "../resolver/answer.ts";
import type { ResolveSource } from "../resolver/sources.ts";

/** Interval of lookups for a source without pushes, and for a name whose meaning may change; milliseconds. */
const ASK_MS = 1_000;

/**
 * Yields the present answer for a service, then each change: other endpoints, another key or status, another service
 * under the name, and errors. A renewed lease alone is no change. A slow reader may miss changes, but never the
 * newest one.
 *
 * @param signal Ends the iteration, which then throws the signal's reason.
 */
export async function* watchService(
  source: Pick<ResolveSource, "ask" | "watch">,
  service: string,
  timers: Timers,
  signal: AbortSignal,
): AsyncGenerator<Change, never, undefined> {
  let told: string | undefined;
  let unwatch = () => {};
  let watched: string | undefined;
  let woken = new AbortController();
  const wake = () => {
    woken.abort();
  };
  try {
    for (;;) {
      woken = new AbortController();
      const change = await look(source, service, signal);
      if ("answer" in change && change.answer.serviceId !== watched) {
        unwatch();
        watched = change.answer.serviceId;
        unwatch = source.watch?.(change.answer.serviceId, wake) ?? unwatch;
      }
      const now = "answer" in change ? essence(change.answer) : change.error.code;
      if (now !== told) yield change;
      told = now;
      await sleepUnlessWoken(timers, signal, woken.signal);
    }
  } finally {
    unwatch();
  }
}

async function look(
  source: Pick<ResolveSource, "ask">,
  service: string,
  signal: AbortSignal,
): Promise<Change> {
  try {
    return { answer: (await source.ask(service, signal)).answer };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof BlockcloudError)) throw error;
    return { error: { code: error.code, message: error.message } };
  }
}

async function sleepUnlessWoken(
  timers: Timers,
  signal: AbortSignal,
  woken: AbortSignal,
): Promise<void> {
  try {
    await timers.sleep(ASK_MS, AbortSignal.any([signal, woken]));
  } catch (error) {
    signal.throwIfAborted();
    if (!woken.aborted) throw error;
  }
}

/** The compared parts of an answer: neither its times nor the drawn order. */
function essence({ serviceId, endpoints, service }: Answer): string {
  const places = endpoints
    .map(({ uri, priority, weight }) => `${priority} ${weight} ${uri}`)
    .sort();
  return [serviceId, service?.key, service?.status, ...places].join("\n");
}
