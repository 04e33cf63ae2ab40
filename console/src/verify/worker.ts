/** The thread in which an epoch is recounted, so that the page stays responsive and can end it at any moment. */
import "../setup.ts";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import type { VerifyEvent, VerifyOrder } from "./client.ts";
import { httpRpc } from "./rpc.ts";
import { verifyEpoch } from "./verify.ts";

/** The part of a worker's global scope that is used here. */
interface Scope {
  postMessage(event: VerifyEvent): void;
  onmessage: ((message: { data: VerifyOrder }) => void) | null;
}
const scope = globalThis as unknown as Scope;

scope.onmessage = ({ data: { rpc, ...request } }) => {
  // The page ends the thread to cancel: nothing is left behind that a signal would have to stop.
  const { signal } = new AbortController();
  let sent = "";
  verifyEpoch(request, httpRpc(rpc, signal), {
    signal,
    progress(progress) {
      // Some hundred steps are enough to be seen.
      const step = `${progress.stage} ${Math.floor(progress.share * 20)}`;
      if (step === sent) return;
      sent = step;
      scope.postMessage({ kind: "progress", progress });
    },
  }).then(
    (result) => {
      scope.postMessage({ kind: "done", result });
    },
    (error: unknown) => {
      scope.postMessage({ kind: "failed", ...told(error) });
    },
  );
};

function told(error: unknown): { code: string; message: string; remedy: string | undefined } {
  if (error instanceof BlockcloudError) {
    const { code, message, remedy } = error;
    return { code, message, remedy };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: "VERIFY_FAILED", message: message.slice(0, 300), remedy: undefined };
}
