import { request as httpRequest, type Agent, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { hasBody } from "../../node/http/framing.ts";
import { headFault } from "../../node/http/upstreamHead.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { flowLost } from "./errors.ts";
import type { AbsoluteTarget } from "./target.ts";

/** Safe methods, which may be repeated (RFC 9110, 9.2.1). */
const SAFE = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** A request for a service. */
export interface Call {
  request: IncomingMessage;
  target: AbsoluteTarget;
  /** A flat list. */
  fields: string[];
  upgrade: boolean;
  /** Flows that are kept, and flows for one request each. */
  agents: { kept: Agent; single: Agent };
  signal: AbortSignal;
  /** Called for each interim response (RFC 9110, 15.2). */
  onInterim(status: number, reason: string, rawHeaders: readonly string[]): void;
}

/** The head of a service's response. */
export interface ServiceAnswer {
  message: IncomingMessage;
  flow: Duplex;
  /** Whether the service switched protocols. */
  switched: boolean;
  /** Gives up what of the request was not sent yet, with its flow. */
  release(): void;
}

/**
 * Sends a request to a service, and waits for the head of its response.
 *
 * Safe requests use kept flows, and are repeated on a new one if the kept one turns out to be closed. Every other
 * request has a flow of its own: when a kept one is lost, nothing tells whether the service had read the request, and
 * a second try could have its effect twice (RFC 9110, 9.2.2).
 *
 * @throws BlockcloudError any of the dialler, `PROXY_FLOW_LOST`, `PROXY_ANSWER_INVALID`; the signal's reason.
 */
export async function ask(call: Call): Promise<ServiceAnswer> {
  const { request, agents, upgrade, signal } = call;
  const isRepeatable = SAFE.has(request.method ?? "") && !hasBody(request) && !upgrade;
  if (!isRepeatable) return attempt(call, agents.single);
  try {
    return await attempt(call, agents.kept);
  } catch (error) {
    if (!(error instanceof StaleFlow)) throw error;
    signal.throwIfAborted();
    return attempt(call, agents.single);
  }
}

/** A kept flow turned out to be closed; no part of a response was received. */
class StaleFlow extends Error {}

function attempt(call: Call, agent: Agent): Promise<ServiceAnswer> {
  const { request, target, fields, upgrade, signal, onInterim } = call;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const outgoing = httpRequest({
      host: target.host,
      port: target.port,
      method: request.method,
      path: target.path,
      headers: fields,
      agent,
    });
    // Node drops the fields after the first thousand without a word. The size of the head is bounded.
    outgoing.maxHeadersCount = 0;
    let message: IncomingMessage | undefined;
    const fail = (reason: unknown) => {
      // The destroyed request may still report an error: its listener stays.
      outgoing.destroy(reason instanceof Error ? reason : undefined);
      reject(reason instanceof Error ? reason : new Error(String(reason)));
    };
    const gone = () => {
      fail(signal.reason);
    };
    signal.addEventListener("abort", gone, { once: true });
    outgoing.once("close", () => {
      signal.removeEventListener("abort", gone);
    });
    outgoing.on("error", (cause: NodeJS.ErrnoException) => {
      if (message === undefined) fail(failure(outgoing.reusedSocket, cause));
      // Node ends a body without a length as if it were complete when its connection breaks.
      else if (!message.complete) message.destroy(cause);
    });
    outgoing.on("information", ({ statusCode, statusMessage, rawHeaders }) => {
      onInterim(statusCode, statusMessage, rawHeaders);
    });
    const answered = (found: IncomingMessage, flow: Duplex, switched: boolean) => {
      message = found;
      const fault = headFault(found) ?? (switched && !upgrade ? "unasked 101" : undefined);
      if (fault !== undefined) {
        fail(invalidAnswer(new Error(fault)));
        return;
      }
      // It may fail before a reader is attached, who adds a listener.
      found.on("error", () => {});
      const release = () => {
        if (outgoing.writableFinished) return;
        request.unpipe(outgoing);
        request.resume();
        outgoing.destroy();
      };
      resolve({ message: found, flow, switched, release });
    };
    outgoing.on("response", (found) => {
      answered(found, found.socket, false);
    });
    outgoing.on("upgrade", (found, flow: Duplex, head: Buffer) => {
      if (head.length > 0) flow.unshift(head);
      answered(found, flow, true);
    });
    if (hasBody(request)) {
      // The service's answer to Expect must not wait for the body.
      outgoing.flushHeaders();
      request.pipe(outgoing);
    } else {
      request.resume();
      outgoing.end();
    }
  });
}

function failure(reused: boolean, cause: NodeJS.ErrnoException): Error {
  if (reused) return new StaleFlow(cause.message, { cause });
  if (cause instanceof BlockcloudError) return cause;
  if (cause.code?.startsWith("HPE_") === true) return invalidAnswer(cause);
  return flowLost(cause);
}

function invalidAnswer(cause: Error): BlockcloudError {
  return new BlockcloudError("PROXY_ANSWER_INVALID", "The service's response is not HTTP/1.1.", {
    cause,
    remedy: "Check the port; for another protocol, use SOCKS5 or CONNECT.",
  });
}
