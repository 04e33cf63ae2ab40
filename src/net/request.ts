import { request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { BlockcloudError } from "../protocol/errors.ts";
import { isReachable } from "./addresses.ts";
import { isPortOpen } from "./ports.ts";
import { resolveHost, type Resolve } from "./resolve.ts";
import { watchSocket } from "./watchSocket.ts";

export interface NetLimits {
  /** From the first packet to the last byte, milliseconds. */
  timeMs: number;
  /** The longest body, bytes. */
  maxBytes: number;
  /** The devnet switch: loopback may be reached. */
  allowLoopback: boolean;
  /** Whether the operator named the address, and no stranger: then private networks may be reached, too. */
  anyAddress?: boolean;
}

export interface NetRequest {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: Uint8Array;
}

export interface NetResponse {
  status: number;
  headers: IncomingMessage["headers"];
  trailers: NodeJS.Dict<string>;
  /** As sent: codings are left alone. */
  body: Buffer;
}

/** The longest header block of a response, and the longest trailer block, bytes. */
const MAX_HEADER_BYTES = 16 * 1024;
/** Interim answers (1xx) before the one that counts; real servers send one or two. */
const MAX_INTERIM = 8;
/** Addresses of one name that are tried. */
const MAX_ADDRESSES = 8;

/**
 * One HTTP/1.1 request to an address that a stranger named, on a connection of its own. The address is
 * checked after it was resolved and the connection goes to the very address that was checked, so a name
 * that changes its mind between the two (DNS rebinding) gains nothing.
 *
 * Redirects are answers like any other and are never followed: whatever another address says proves nothing
 * about the one that was asked. Bodies are not decoded, so nothing unpacks. Time, body, header and trailer
 * blocks, interim answers and all bytes together, framing included, are bounded.
 *
 * @throws BlockcloudError `NET_REFUSED` for where it leads, `NET_TIMEOUT`, `NET_TOO_LARGE`, `NET_TLS`,
 * `NET_PROTOCOL` for what is not HTTP/1.1, `NET_FAILED` for any other end; or the signal's reason.
 */
export function netRequest(
  request: NetRequest,
  limits: NetLimits,
  signal: AbortSignal,
  resolve: Resolve = resolveHost,
): Promise<NetResponse> {
  const { url } = request;
  return new Promise((fulfil, reject) => {
    signal.throwIfAborted();
    const host = url.hostname.replace(/^\[|\]$/g, "");
    if (url.protocol !== "http:" && url.protocol !== "https:") {
      throw refused(`the scheme ${url.protocol} of ${url.origin}`);
    }
    if (!isPortOpen(url)) throw refused(`port ${url.port}`);
    const mayReach = (address: string) =>
      limits.anyAddress === true || isReachable(address, limits.allowLoopback);
    if (isIP(host) !== 0 && !mayReach(host)) throw refused(host);

    // Calls off the resolver when the request has ended otherwise.
    const over = new AbortController();
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const outgoing = send(url, {
      method: request.method,
      headers: { ...request.headers, "content-length": request.body.length },
      agent: false,
      lookup: checkedLookup(mayReach, resolve, over.signal),
      maxHeaderSize: MAX_HEADER_BYTES,
      // Not even NODE_TLS_REJECT_UNAUTHORIZED may change it.
      rejectUnauthorized: true,
    });
    const abort = () => {
      fail(signal.reason);
    };
    const timer = setTimeout(() => {
      fail(new BlockcloudError("NET_TIMEOUT", `No answer in ${limits.timeMs} ms.`));
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
      // Chunks, however small they are cut, and three header blocks.
      maxBytes: 2 * limits.maxBytes + 4 * MAX_HEADER_BYTES,
      onTooMany: (most) => {
        fail(new BlockcloudError("NET_TOO_LARGE", `Over ${most} bytes with all their framing.`));
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
        fail(new BlockcloudError("NET_FAILED", `The answer broke off: ${cause.message}.`));
      });
    });
    outgoing.end(request.body);
  });
}

/** Answers that nobody asked for: another protocol, and interim ones without end. */
function refuseStrangeAnswers(outgoing: ClientRequest, fail: (reason: unknown) => void): void {
  outgoing.on("upgrade", (_, socket) => {
    // Without a listener the connection would close and nobody be told.
    socket.destroy();
    fail(new BlockcloudError("NET_PROTOCOL", "The other side changed the protocol unasked."));
  });
  let interim = 0;
  outgoing.on("information", () => {
    interim += 1;
    if (interim <= MAX_INTERIM) return;
    fail(new BlockcloudError("NET_PROTOCOL", `Over ${MAX_INTERIM} interim answers.`));
  });
}

/** What makes an answer one that clients read in different ways; undefined for a plain one. */
function strangeness(response: IncomingMessage): string | undefined {
  if (response.httpVersion !== "1.1") return `An answer in HTTP/${response.httpVersion}.`;
  const coding = response.headers["transfer-encoding"];
  if (coding === undefined || coding.toLowerCase() === "chunked") return undefined;
  return "An answer in a transfer coding that nobody asked for.";
}

function failure(cause: NodeJS.ErrnoException, handshaking: boolean): BlockcloudError {
  const why = `The request failed: ${cause.message}.`;
  if (handshaking) return new BlockcloudError("NET_TLS", why, { cause });
  const code = cause.code?.startsWith("HPE_") === true ? "NET_PROTOCOL" : "NET_FAILED";
  return new BlockcloudError(code, why, { cause });
}

/** Resolves a name and gives only addresses that may be reached; none is an error. */
function checkedLookup(
  mayReach: (address: string) => boolean,
  resolve: Resolve,
  signal: AbortSignal,
): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, signal).then(
      (addresses) => {
        const open = addresses.filter(({ address }) => mayReach(address)).slice(0, MAX_ADDRESSES);
        const [first] = open;
        if (first === undefined) callback(refused(hostname), "", 0);
        else if (options.all === true) callback(null, open);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => {
        callback(error instanceof Error ? error : new Error(String(error)), "", 0);
      },
    );
  };
}

function refused(what: string): BlockcloudError {
  return new BlockcloudError("NET_REFUSED", `Not connecting to ${what}.`, {
    remedy: "A public service must publish a public http or https address.",
  });
}
