import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { reset } from "../../net/reset.ts";
import { endToEnd } from "../../node/http/hopByHop.ts";
import { announcedTrailers, takesTrailers, trailersOf } from "../../node/http/trailers.ts";
import { writeSwitchingProtocols } from "../../node/http/upgrade.ts";
import { ask, type Call, type ServiceAnswer } from "./ask.ts";
import { codeOf, join, type ProxyContext } from "./context.ts";
import { requestFields, responseFields } from "./forwarded.ts";
import { clientGone, flowLost } from "./errors.ts";
import type { AbsoluteTarget } from "./target.ts";

/** A program's request in absolute form. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  target: AbsoluteTarget;
  agents: Call["agents"];
  /** The program's connection, if it asks for WebSocket. */
  upgrade: Socket | undefined;
}

/**
 * Passes a request to its service, and the response back, until it was sent.
 *
 * @throws BlockcloudError if there is no response. One that breaks off resets the program's connection.
 */
export async function relay(exchange: Exchange, context: ProxyContext): Promise<void> {
  const { request, response, target, agents, upgrade } = exchange;
  const abort = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) abort.abort(clientGone());
  });
  if (response.destroyed) abort.abort(clientGone());
  const bytes = { up: 0, down: 0 };
  const socket = upgrade ?? request.socket;
  const running = {
    abort: (error: Error) => {
      abort.abort(error);
      reset(socket);
    },
  };
  const { running: all, observer, logger } = context;
  all.add(running);
  try {
    request.on("data", (chunk: Buffer) => (bytes.up += chunk.length)).pause();
    const answer = await ask({
      request,
      target,
      agents,
      upgrade: upgrade !== undefined,
      fields: requestFields(request, target, upgrade !== undefined),
      signal: abort.signal,
      onInterim: (status, reason, rawHeaders) => {
        writeInterim(exchange, status, reason, rawHeaders);
      },
    });
    if (answer.switched && upgrade !== undefined) {
      switchProtocols(upgrade, response, answer);
      all.delete(running);
      await join(upgrade, answer.flow, "http", context);
      return;
    }
    observer.opened("http");
    await deliver(answer, exchange, bytes).catch((error: unknown) => {
      // The head was sent: a reset is the only end that says that something is missing.
      logger.debug("Response lost", { cause: codeOf(error) });
      reset(socket);
    });
    observer.closed("http", bytes);
  } finally {
    all.delete(running);
  }
}

/** Passes an interim response on. HTTP/1.0 has none. */
function writeInterim(
  { request, response }: Exchange,
  status: number,
  reason: string,
  rawHeaders: readonly string[],
): void {
  const { socket } = response;
  if (socket === null || response.headersSent || request.httpVersion !== "1.1") return;
  const fields = endToEnd(rawHeaders, () => false);
  const lines = [`HTTP/1.1 ${status} ${reason}`];
  for (let at = 0; at + 1 < fields.length; at += 2) lines.push(`${fields[at]}: ${fields[at + 1]}`);
  socket.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

/** Hands the connection over: HTTP ends at this point. */
function switchProtocols(client: Socket, response: ServerResponse, answer: ServiceAnswer): void {
  const fields = endToEnd(answer.message.rawHeaders, () => false);
  response.detachSocket(client);
  writeSwitchingProtocols(client, answer.message, fields);
}

/** Sends a response as fast as the program reads; rejects if it breaks off. */
function deliver(
  { message, release }: ServiceAnswer,
  { request, response }: Exchange,
  bytes: { down: number },
): Promise<void> {
  const fields = responseFields(message);
  const trailers = message.headers["content-length"] === undefined && takesTrailers(request);
  const announced = trailers ? announcedTrailers(message) : [];
  if (announced.length > 0) fields.push("Trailer", announced.join(", "));
  response.writeHead(message.statusCode ?? 0, message.statusMessage, fields);
  // Without a length the first byte may take long to arrive; the head need not wait for it.
  if (message.headers["content-length"] === undefined) response.flushHeaders();
  return new Promise((resolve, reject) => {
    response.once("close", () => {
      if (response.writableFinished) resolve();
      else reject(clientGone());
    });
    message.on("data", (chunk: Buffer) => (bytes.down += chunk.length));
    message.once("error", reject);
    message.once("close", () => {
      if (!message.readableEnded) reject(flowLost());
    });
    message.once("end", () => {
      release();
      if (trailers) response.addTrailers(trailersOf(message));
      response.end();
    });
    message.pipe(response, { end: false });
  });
}
