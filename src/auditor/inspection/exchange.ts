import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { fillExchange, RANDOM_DIGITS, type ExchangeProbe } from "../../protocol/exchange.ts";
import type { Fault } from "./responseCheck.ts";

/** An exchange to make: what to send, and the check of what comes. */
export interface WrittenExchange {
  send: Buffer;
  expect: Buffer;
}

/** Fills random digits in, so that no response can be prepared in advance. */
export function writeExchange(request: ExchangeProbe): WrittenExchange {
  const digits = randomBytes(RANDOM_DIGITS / 2).toString("hex");
  const { send, expect } = fillExchange(request, digits);
  return { send: Buffer.from(send), expect: Buffer.from(expect) };
}

/**
 * Reads from a flow until the expected bytes have come, or others. What follows them is not read.
 *
 * @throws What the flow fails with; or the signal's reason.
 */
export function readExpected(
  flow: Duplex,
  expect: Buffer,
  signal: AbortSignal,
): Promise<Fault | undefined> {
  return new Promise((resolve, reject) => {
    let length = 0;
    const settle = () => {
      signal.removeEventListener("abort", aborted);
      flow.off("data", take);
      flow.off("end", ended);
      flow.off("error", failed);
      flow.off("close", ended);
      flow.pause();
    };
    const take = (chunk: Buffer) => {
      const part = chunk.subarray(0, expect.length - length);
      if (part.equals(expect.subarray(length, length + part.length))) {
        length += part.length;
        if (length < expect.length) return;
        settle();
        resolve(undefined);
        return;
      }
      settle();
      const same = part.findIndex((byte, index) => byte !== expect[length + index]);
      resolve(["bytes", `another byte than expected at ${length + same}`]);
    };
    const ended = () => {
      settle();
      resolve(["bytes", `an end after ${length} of ${expect.length} bytes`]);
    };
    const failed = (error: Error) => {
      settle();
      reject(error);
    };
    const aborted = () => {
      settle();
      reject(signal.reason as Error);
    };
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    if (flow.errored) {
      reject(flow.errored);
      return;
    }
    if (flow.destroyed) {
      ended();
      return;
    }
    signal.addEventListener("abort", aborted, { once: true });
    flow.on("error", failed);
    flow.on("end", ended);
    flow.on("close", ended);
    flow.on("data", take);
    flow.resume();
  });
}
