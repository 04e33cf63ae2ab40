import { MAX_BODY_BYTES } from "../../auditor/inspection/inspection.ts";
import { netRequest } from "../../net/request.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { ProbeInput } from "../../protocol/probe.ts";

/** How long the server may take for its answer, milliseconds; auditors call less than that poor. */
const ANSWER_MS = 10_000;
/** The class whose services speak HTTP. */
const HTTP_CLASS = "http";

/**
 * A probe for a server on this host: GET /, with the status that it answers now.
 *
 * @throws BlockcloudError `EXPOSE_PROBE` if auditors could not inspect it so.
 */
export async function measuredProbe(
  port: number,
  className: string,
  signal: AbortSignal,
): Promise<ProbeInput> {
  if (className !== HTTP_CLASS) {
    throw new BlockcloudError("EXPOSE_PROBE", `The class ${className} needs a probe.`, {
      remedy: "Give --probe (docs/protocol.md, section 2).",
    });
  }
  const url = new URL(`http://127.0.0.1:${port}/`);
  const request = { method: "GET", url, headers: {}, body: new Uint8Array() };
  const limits = { timeMs: ANSWER_MS, maxBytes: MAX_BODY_BYTES, allowLoopback: true };
  const { status } = await netRequest(request, limits, signal).catch((cause: unknown) => {
    signal.throwIfAborted();
    const why = cause instanceof Error ? cause.message : String(cause);
    throw unsuitable(port, `does not answer GET / by HTTP: ${why}`, cause);
  });
  if (status >= 500) throw unsuitable(port, `answers GET / with ${status}.`);
  return { v: 1, requests: [{ path: "/", ...(status !== 200 && { status }) }] };
}

function unsuitable(port: number, what: string, cause?: unknown): BlockcloudError {
  return new BlockcloudError("EXPOSE_PROBE", `The server at port ${port} ${what}`, {
    cause,
    remedy: `Start it first. If it does not speak HTTP, give --class tcp and --probe '{"v":3,"requests":[{"port":${port},"expect":"..."}]}'.`,
  });
}
