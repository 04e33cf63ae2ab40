import type { Duplex } from "node:stream";
import { request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { asClientSocket } from "../node/http/streamSocket.ts";
import { isOwnAddress } from "../node/interfaces.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { DialRules, refused, type DialLimits } from "./dialRules.ts";
import { resolveHost, type Resolve } from "./resolve.ts";
import { watchSocket } from "./watchSocket.ts";

export interface NetLimits extends DialLimits {
  /** From the first packet to the last byte, milliseconds. */
  timeMs: number;
  /** Largest body, bytes. */
  maxBytes: number;
}

export interface NetRequest {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: Uint8Array;
  /** A connection to use, which was checked already: a flow to a service. It is closed at the end. */
  over?: Duplex;
}

export interface NetResponse {
  status: number;
  headers: IncomingMessage["headers"];
  trailers: NodeJS.Dict<string>;
  /** As sent, without decoding. */
  body: Buffer;
}

/** Largest header block and largest trailer block of a response, bytes. */
const MAX_HEADER_BYTES = 16 * 1024;
/** Stands for the port of a URL without one: both defaults, 80 and 443, are open. */
const HTTP_PORT = 80;
/** Interim responses (1xx) before the final one; real servers send one or two. */
const MAX_INTERIM = 8;

/**
 * Sends one HTTP/1.1 request to a URL of a stranger, on its own connection. The address is checked after it
 * was resolved, and the connection goes to exactly the checked address, so DNS rebinding has no effect. This
 * host's own addresses are refused, public ones too: a service on the host may trust clients from inside.
 *
 * Redirects are returned like any other response and never followed, because a response from another address
 * proves nothing about the requested one. Bodies are not decoded, so decompression bombs have no effect.
 * Time, body, header and trailer blocks, interim responses and the total of bytes with framing are bounded.
 *
 * @throws BlockcloudError `NET_REFUSED` for a forbidden target, `NET_TIMEOUT`, `NET_TOO_LARGE`, `NET_TLS`,
 *   `NET_PROTOCOL` for a response that is neither HTTP/1.1 nor HTTP/1.0, `NET_FAILED` for any other failure; or
 *   the signal's reason.
 */
export function netRequest(
  request: NetRequest,
  limits: NetLimits,
  signal: AbortSignal,
  resolve: Resolve = resolveHost,
  isOwn: (address: string) => boolean = isOwnAddress,
): Promise<NetResponse> {
  const { url, over: stream } = request;
  return new Promise((fulfil, reject) => {
    signal.throwIfAborted();
    const host = url.hostname.replace(/^\[|\]$/g, "");
    if (url.protocol !== "http:" && url.protocol !== "https:") {
      throw refused(`the scheme ${url.protocol} of ${url.origin}`);
    }
    const rules = new DialRules(limits, resolve, isOwn);
    if (stream === undefined) rules.check(host, url.port === "" ? HTTP_PORT : Number(url.port));

    // Cancels the name lookup if the request ends first.
    const over = new AbortController();
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const outgoing = send(url, {
      method: request.method,
      headers: { ...request.headers, "content-length": request.body.length },
      // With an agent of its own Node's client would not call createConnection.
      ...(stream === undefined
        ? { agent: false }
        : { createConnection: () => asClientSocket(stream), defaultPort: HTTP_PORT }),
      lookup: rules.lookup(over.signal),
      maxHeaderSize: MAX_HEADER_BYTES,
      // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED cannot change it.
      rejectUnauthorized: true,
    });
    const abort = () => {
      fail(signal.reason);
    };
    const timer = setTimeout(() => {
      fail(new BlockcloudError("NET_TIMEOUT", `No response in ${limits.timeMs} ms.`));
    }, limits.timeMs);
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      over.abort();
    };
    const fail = (reason: unknown) => {
      settle();
      reject(reason);
      outgoing.destroy();
    };
    signal.addEventListener("abort", abort);
    const connection = watchSocket(outgoing, {
      // Room for the framing of chunks, even small ones, and for three header blocks.
      maxBytes: 2 * limits.maxBytes + 4 * MAX_HEADER_BYTES,
      onTooMany: (most) => {
        fail(new BlockcloudError("NET_TOO_LARGE", `Over ${most} bytes including framing.`));
      },
    });

    outgoing.on("error", (cause) => {
      fail(cause instanceof BlockcloudError ? cause : failure(cause, connection.handshaking));
    });
    refuseStrangeAnswers(outgoing, fail);
    outgoing.on("response", (response) => {
      const strange = strangeness(response);
      if (strange !== undefined) {
        fail(new BlockcloudError("NET_PROTOCOL", strange));
        return;
      }
      const parts: Buffer[] = [];
      let length = 0;
      response.on("data", (part: Buffer) => {
        length += part.length;
        if (length <= limits.maxBytes) parts.push(part);
        else fail(new BlockcloudError("NET_TOO_LARGE", `Over ${limits.maxBytes} bytes.`));
      });
      response.on("end", () => {
        settle();
        const { statusCode = 0, headers, trailers } = response;
        fulfil({ status: statusCode, headers, trailers, body: Buffer.concat(parts) });
      });
      response.on("error", (cause) => {
        fail(new BlockcloudError("NET_FAILED", `The response was cut off: ${cause.message}.`));
      });
    });
    outgoing.end(request.body);
  });
}

/** Rejects unrequested responses: a switch of protocols, and endless interim responses. */
function refuseStrangeAnswers(outgoing: ClientRequest, fail: (reason: unknown) => void): void {
  outgoing.on("upgrade", (_, socket) => {
    // Without a listener the connection would be closed silently.
    socket.destroy();
    fail(new BlockcloudError("NET_PROTOCOL", "The server switched protocols without a request."));
  });
  let interim = 0;
  outgoing.on("information", ({ httpVersion }) => {
    if (httpVersion === "1.0") {
      fail(new BlockcloudError("NET_PROTOCOL", "An interim response in HTTP/1.0, which has none."));
      return;
    }
    interim += 1;
    if (interim <= MAX_INTERIM) return;
    fail(new BlockcloudError("NET_PROTOCOL", `Over ${MAX_INTERIM} interim answers.`));
  });
}

/** Describes why clients may read a response in different ways; undefined for a plain response. */
function strangeness(response: IncomingMessage): string | undefined {
  const { httpVersion } = response;
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return `A response in HTTP/${httpVersion}.`;
  const coding = response.headers["transfer-encoding"];
  if (coding === undefined) return undefined;
  // Its clients read the codings as a part of the body (RFC 9112, 6.1).
  if (httpVersion === "1.0") return "A response in HTTP/1.0 with a transfer coding.";
  if (coding.toLowerCase() === "chunked") return undefined;
  return "A response in a transfer coding that was not requested.";
}

function failure(cause: NodeJS.ErrnoException, handshaking: boolean): BlockcloudError {
  const why = `The request failed: ${cause.message}.`;
  if (handshaking) return new BlockcloudError("NET_TLS", why, { cause });
  const code = cause.code?.startsWith("HPE_") === true ? "NET_PROTOCOL" : "NET_FAILED";
  return new BlockcloudError(code, why, { cause });
}
