import type { IncomingMessage, ServerResponse } from "node:http";
import type { Message } from "../../node/http/client/message.ts";
import { hasBody } from "../../node/http/framing.ts";
import type { Cancellation } from "./cancellation.ts";
import { GatewayProblem } from "./problem.ts";
import { Watchdog } from "./watchdog.ts";

/** The part of a message that reading its body needs. */
export type BodySource = Pick<Message, "read" | "pause" | "resume" | "isOver" | "isPaused">;

export interface ReadOptions {
  cancellation: Cancellation;
  /** How long the upstream may be silent; undefined for no limit. */
  silenceMs: number | undefined;
  /** The upstream may be waiting for this request while the client is still sending it. */
  request: IncomingMessage;
}

/**
 * Relays the body of a response as fast as the client reads it.
 *
 * @param length - Its length, if it is known. Then a body that arrives in one part ends the response, too.
 * @param onChunk - Called with every chunk, in order, before it is sent; it may throw.
 * @throws GatewayProblem if the body is incomplete.
 */
export function relay(
  answer: BodySource,
  response: ServerResponse,
  options: ReadOptions,
  { length, onChunk }: { length?: number; onChunk?: (chunk: Buffer) => void } = {},
): Promise<void> {
  let begun = false;
  const pass = (chunk: Buffer): boolean => {
    onChunk?.(chunk);
    if (!begun && chunk.length === length) {
      response.end(chunk);
      return true;
    }
    begun = true;
    if (!response.write(chunk)) answer.pause();
    return false;
  };
  return read(answer, options, pass, response);
}

/**
 * Reads a body of known length.
 *
 * @throws GatewayProblem if the body is incomplete.
 */
export async function collect(
  answer: Message,
  length: number,
  options: ReadOptions,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let left = length;
  await read(answer, options, (chunk) => {
    chunks.push(chunk);
    left -= chunk.length;
    return left === 0;
  });
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
}

/** @param take - Returns whether the body is complete, although its end was not yet seen. */
function read(
  answer: BodySource,
  { cancellation, silenceMs, request }: ReadOptions,
  take: (chunk: Buffer) => boolean,
  response?: ServerResponse,
): Promise<void> {
  const sent = () => !hasBody(request) || request.readableEnded;
  return new Promise((resolve, reject) => {
    const drained = () => {
      answer.resume();
      watchdog?.arm();
    };
    let settled = false;
    const finish = () => {
      settled = true;
      watchdog?.disarm();
      response?.off("drain", drained);
    };
    const fail = (problem: GatewayProblem) => {
      finish();
      reject(cancellation.reason ?? problem);
    };
    const watchdog: Watchdog | undefined =
      silenceMs === undefined
        ? undefined
        : new Watchdog(silenceMs, () => {
            // A client that must read first is watched by the time limit of its connection.
            if (response?.writableNeedDrain === true) watchdog?.arm();
            else if (sent()) fail(new GatewayProblem("UPSTREAM_TIMEOUT"));
          });
    // A small body is often complete before this task ends.
    if (watchdog !== undefined) {
      queueMicrotask(() => {
        if (!settled) watchdog.arm();
      });
    }
    response?.on("drain", drained);
    // After the last byte of the request, the upstream must respond in any case.
    if (!sent()) {
      request.once("end", () => {
        if (!answer.isOver && !answer.isPaused) watchdog?.arm();
      });
    }
    answer.read({
      data: (chunk) => {
        if (settled) return;
        let isWhole: boolean;
        try {
          isWhole = take(chunk);
        } catch (error) {
          finish();
          reject(error);
          return;
        }
        if (!isWhole) {
          watchdog?.arm();
          return;
        }
        finish();
        resolve();
      },
      end: () => {
        finish();
        resolve();
      },
      failed: (cause) => {
        fail(new GatewayProblem("UPSTREAM_FAILED", { cause }));
      },
    });
  });
}
