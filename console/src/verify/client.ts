import { BlockcloudError } from "../../../src/protocol/errors.ts";
import type { Progress } from "./progress.ts";
import type { VerifyRequest, VerifyResult } from "./verify.ts";

/** What the page asks the thread for. */
export interface VerifyOrder extends VerifyRequest {
  /** URL of a JSON-RPC endpoint. */
  rpc: string;
}

/** What the thread tells the page. */
export type VerifyEvent =
  | { kind: "progress"; progress: Progress }
  | { kind: "done"; result: VerifyResult }
  | { kind: "failed"; code: string; message: string; remedy: string | undefined };

/** The part of a Web Worker that is used here. */
export interface WorkerLike {
  postMessage(order: VerifyOrder): void;
  terminate(): void;
  onmessage: ((event: { data: VerifyEvent }) => void) | null;
  onerror: ((event: { message?: string }) => void) | null;
}

export interface Verification {
  result: Promise<VerifyResult>;
  cancel(): void;
}

/** Recounts an epoch in a thread of its own, which ends with the recount. */
export function startVerification(
  worker: WorkerLike,
  order: VerifyOrder,
  progressed: (progress: Progress) => void,
): Verification {
  const { promise, resolve, reject } = Promise.withResolvers<VerifyResult>();
  worker.onmessage = ({ data }) => {
    if (data.kind === "progress") {
      progressed(data.progress);
      return;
    }
    worker.terminate();
    if (data.kind === "done") resolve(data.result);
    else reject(failure(data.code, data.message, data.remedy));
  };
  worker.onerror = ({ message }) => {
    worker.terminate();
    reject(failure("VERIFY_FAILED", `The recount's thread failed: ${message ?? "unknown"}`));
  };
  worker.postMessage(order);
  return {
    result: promise,
    cancel() {
      worker.terminate();
      reject(failure("VERIFY_CANCELLED", "The recount was cancelled."));
    },
  };
}

/** The thread's messages have their remedy in them. */
function failure(code: string, message: string, remedy?: string): BlockcloudError {
  const said = remedy === undefined ? message : message.replace(remedy, "").trim();
  return new BlockcloudError(code, said, remedy === undefined ? {} : { remedy });
}
