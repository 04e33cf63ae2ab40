import type { IncomingMessage, ServerResponse } from "node:http";
import { hasBody } from "./forwardedHeaders.ts";
import { GatewayProblem } from "./gatewayProblem.ts";
import { Watchdog } from "./watchdog.ts";

export interface ReadOptions {
  signal: AbortSignal;
  /** How long the upstream may keep silent; undefined for ever. */
  silenceMs: number | undefined;
  /** While the client is still sending this, the upstream may be waiting for it. */
  request: IncomingMessage;
}

/**
 * Passes the body of an answer on as fast as the client takes it.
 *
 * @param onChunk - Sees every chunk, in order.
 * @throws GatewayProblem when the body does not come whole.
 */
export function relay(
  answer: IncomingMessage,
  response: ServerResponse,
  options: ReadOptions,
  onChunk?: (chunk: Buffer) => void,
): Promise<void> {
  return read(answer, options, (chunk, watchdog) => {
    onChunk?.(chunk);
    if (response.write(chunk)) return;
    answer.pause();
    // The client's turn: how long it may take is its connection's time limit.
    watchdog?.disarm();
    response.once("drain", () => {
      watchdog?.arm();
      answer.resume();
    });
  });
}

/**
 * Reads a body whose length was announced.
 *
 * @throws GatewayProblem when the body does not come whole.
 */
export async function collect(answer: IncomingMessage, options: ReadOptions): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await read(answer, options, (chunk) => chunks.push(chunk));
  return Buffer.concat(chunks);
}

function read(
  answer: IncomingMessage,
  { signal, silenceMs, request }: ReadOptions,
  take: (chunk: Buffer, watchdog: Watchdog | undefined) => void,
): Promise<void> {
  const sent = () => !hasBody(request) || request.readableEnded;
  return new Promise((resolve, reject) => {
    const fail = (problem: GatewayProblem) => {
      watchdog?.disarm();
      const reason: unknown = signal.aborted ? signal.reason : problem;
      reject(reason);
    };
    const watchdog: Watchdog | undefined =
      silenceMs === undefined
        ? undefined
        : new Watchdog(silenceMs, () => {
            if (sent()) fail(new GatewayProblem("UPSTREAM_TIMEOUT"));
          });
    // Destroyed before anybody read it: no event will tell.
    if (answer.destroyed) {
      fail(new GatewayProblem("UPSTREAM_FAILED"));
      return;
    }
    watchdog?.arm();
    // From its last byte on it is the upstream's turn in any case.
    if (!sent()) {
      request.once("end", () => {
        if (!answer.readableEnded && !answer.destroyed && !answer.isPaused()) watchdog?.arm();
      });
    }
    answer.on("data", (chunk: Buffer) => {
      watchdog?.arm();
      take(chunk, watchdog);
    });
    answer.once("end", () => {
      watchdog?.disarm();
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
