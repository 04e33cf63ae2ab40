import type { Claim } from "./answerRoom.ts";
import { ConsoleProblem } from "./problem.ts";

/** Bounds of a request that is passed on. */
export interface UpstreamLimits {
  /** Largest answer, bytes. */
  maxBytes: number;
  timeMs: number;
  /** Takes room for what has come. */
  claim: Claim;
}

/** Sends a request to a server that the operator named. Tests replace it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/**
 * Asks a server that the operator named for JSON, with a body by POST, and returns the text of its answer. Its address
 * may contain a key, so no error names it.
 *
 * @throws ConsoleProblem `UPSTREAM_FAILED`, `UPSTREAM_TOO_LARGE`, `CONSOLE_BUSY`.
 */
export async function askJson(
  fetch: Fetch,
  url: string,
  body: string | undefined,
  limits: UpstreamLimits,
  signal: AbortSignal,
): Promise<string> {
  const { timeMs } = limits;
  const ask = () =>
    fetch(url, {
      headers: { "content-type": "application/json", accept: "application/json" },
      ...(body !== undefined && { method: "POST", body }),
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeMs)]),
    });
  try {
    // A server may close idle connections at the moment at which one is used again. Asking again does no harm: all that
    // is asked reads, or is a signed transaction, which is the same one.
    const again = (error: unknown) => {
      if (!wasClosed(error)) throw error;
      return ask();
    };
    const response = await ask().catch(again).catch(again);
    if (!response.ok) {
      await response.body?.cancel();
      throw new ConsoleProblem("UPSTREAM_FAILED", "The server behind the console fails.");
    }
    return await textOf(response, limits);
  } catch (cause) {
    if (cause instanceof ConsoleProblem) throw cause;
    throw new ConsoleProblem("UPSTREAM_FAILED", "The server behind the console does not answer.", {
      cause,
    });
  }
}

/** Whether the connection ended before an answer began. */
function wasClosed(error: unknown): boolean {
  const { cause } = error as { cause?: { code?: unknown } };
  return ["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"].includes(String(cause?.code));
}

async function textOf(response: Response, { maxBytes, claim }: UpstreamLimits): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  // The type of a body's iteration is that of Node's own streams.
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > maxBytes) {
      throw new ConsoleProblem("UPSTREAM_TOO_LARGE", "The answer is too long.");
    }
    claim(part.length);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
