import { REFUSED_REMEDY } from "../../net/dialRules.ts";
import type { Scheduler } from "../../node/scheduler.ts";
import type { BlockcloudError } from "../../protocol/errors.ts";
import { salError } from "../errors.ts";

/** How long an endpoint may take before the next one is tried beside it, milliseconds (RFC 8305, 5). */
const STAGGER_MS = 250;

/**
 * Tries endpoints one after the other, each some time after the one before or when that has failed; the first success
 * ends all others.
 *
 * @param discard Gives up a success that came too late.
 * @throws BlockcloudError `SAL_NO_PATH` with all failures if none succeeds; or the signal's reason.
 */
export async function race<T>(
  endpoints: readonly string[],
  attempt: (endpoint: string, signal: AbortSignal) => Promise<T>,
  discard: (value: T) => void,
  clock: Scheduler,
  signal: AbortSignal,
): Promise<T> {
  signal.throwIfAborted();
  const over = new AbortController();
  const each = AbortSignal.any([over.signal, signal]);
  const failures: { endpoint: string; error: unknown }[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let next = 0;
  let cancel = () => {};
  let isWon = false;
  const start = () => {
    cancel();
    const endpoint = endpoints[next];
    if (endpoint === undefined) return;
    next += 1;
    cancel = clock.after(STAGGER_MS, start);
    attempt(endpoint, each).then(
      (value) => {
        if (isWon || each.aborted) discard(value);
        else resolve(value);
        isWon = true;
      },
      (error: unknown) => {
        failures.push({ endpoint, error });
        if (failures.length === endpoints.length) reject(noPath(failures));
        else if (!each.aborted) start();
      },
    );
  };
  const abort = () => {
    reject(signal.reason as Error);
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    if (endpoints.length === 0) throw noPath([]);
    start();
    return await promise;
  } finally {
    cancel();
    signal.removeEventListener("abort", abort);
    over.abort(salError("cancelled", "Another endpoint was faster."));
  }
}

function noPath(failures: readonly { endpoint: string; error: unknown }[]): BlockcloudError {
  const first = failures[0]?.error as BlockcloudError | undefined;
  // One endpoint that answers and refuses tells more than all that are silent.
  const telling = failures.map(({ error }) => error as BlockcloudError).find(isRefusal);
  if (telling !== undefined) return telling;
  const list = failures.map(({ endpoint, error }) => `${endpoint}: ${(error as Error).message}`);
  const why = list.length === 0 ? "the record names no sal endpoint" : list.join(" ");
  const isForbidden = first !== undefined && failures.every(({ error }) => isForbidding(error));
  return salError("noPath", `No endpoint of the service can be used: ${why}`, {
    cause: first,
    ...(isForbidden && { remedy: REFUSED_REMEDY }),
  });
}

/** Whether this client's own rules forbid the endpoint. */
function isForbidding(error: unknown): boolean {
  return (error as BlockcloudError).code === "NET_REFUSED";
}

function isRefusal({ code }: BlockcloudError): boolean {
  return code !== "SAL_NO_PATH" && code !== "NET_REFUSED";
}
