import type { IncomingMessage, ServerResponse } from "node:http";
import { hasBody } from "../../node/http/framing.ts";
import { GatewayProblem } from "./problem.ts";
import { Watchdog } from "./watchdog.ts";

export interface ReadOptions {
  signal: AbortSignal;
  /** How long the upstream may be silent; undefined for no limit. */
  silenceMs: number | undefined;
  /** The upstream may be waiting for this request while the client is still sending it. */
  request: IncomingMessage;
}

/**
 * Relays the body of a response as fast as the client reads it.
 *
 * @param onChunk - Called with every chunk, in order.
 * @throws GatewayProblem if the body is incomplete.
 */
export function relay(
  answer: IncomingMessage,
  response: ServerResponse,
  options: ReadOptions,
  onChunk?: (chunk: Buffer) => void,
): Promise<void> {
  const relayed = read(answer, options, (chunk) => onChunk?.(chunk), response);
  // Node's own pipe costs less for each part than a pause and a resume.
  answer.pipe(response, { end: false });
  return relayed;
}

/**
 * Reads a body of known length.
 *
 * @throws GatewayProblem if the body is incomplete.
 */
export async function collect(answer: IncomingMessage, options: ReadOptions): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await read(answer, options, (chunk) => chunks.push(chunk));
  return Buffer.concat(chunks);
}

function read(
  answer: IncomingMessage,
  { signal, silenceMs, request }: ReadOptions,
  take: (chunk: Buffer) => void,
  response?: ServerResponse,
): Promise<void> {
  const sent = () => !hasBody(request) || request.readableEnded;
  return new Promise((resolve, reject) => {
    const drained = () => watchdog?.arm();
    const finish = () => {
      watchdog?.disarm();
      response?.off("drain", drained);
    };
    const fail = (problem: GatewayProblem) => {
      finish();
      const reason: unknown = signal.aborted ? signal.reason : problem;
      reject(reason);
    };
    const watchdog: Watchdog | undefined =
      silenceMs === undefined
        ? undefined
        : new Watchdog(silenceMs, () => {
            // A client that must read first is watched by the time limit of its connection.
            if (response?.writableNeedDrain === true) watchdog?.arm();
            else if (sent()) fail(new GatewayProblem("UPSTREAM_TIMEOUT"));
          });
    // Destroyed before a reader was attached: no event will follow.
    if (answer.destroyed) {
      fail(new GatewayProblem("UPSTREAM_FAILED"));
      return;
    }
    watchdog?.arm();
    response?.on("drain", drained);
    // After the last byte of the request, the upstream must respond in any case.
    if (!sent()) {
      request.once("end", () => {
        if (!answer.readableEnded && !answer.destroyed && !answer.isPaused()) watchdog?.arm();
      });
    }
    answer.on("data", (chunk: Buffer) => {
      watchdog?.arm();
      take(chunk);
    });
    answer.once("end", () => {
      finish();
      resolve();
    });
    answer.once("error", (cause) => {
      fail(new GatewayProblem("UPSTREAM_FAILED", { cause }));
    });
    answer.once("close", () => {
      if (!answer.readableEnded) fail(new GatewayProblem("UPSTREAM_FAILED"));
    });
  });
}
