import { lookup as dnsLookup, type LookupAddress } from "node:dns";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { BlockcloudError } from "../protocol/errors.ts";
import { isReachable } from "./addresses.ts";

export interface NetLimits {
  /** From the first packet to the last byte, milliseconds. */
  timeMs: number;
  /** The longest body, bytes. */
  maxBytes: number;
  /** The devnet switch: loopback may be reached. */
  allowLoopback: boolean;
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
  body: Buffer;
}

/** The longest header block of a response, bytes. */
const MAX_HEADER_BYTES = 16 * 1024;

/**
 * One HTTP request to an address that a stranger named, on a connection of its own. The address is checked
 * after it was resolved and the connection goes to the very address that was checked, so a name that
 * changes its mind between the two (DNS rebinding) gains nothing. Redirects are not followed, bodies not
 * decoded; time and sizes are bounded.
 *
 * @throws BlockcloudError `NET_REFUSED`, `NET_TIMEOUT`, `NET_TOO_LARGE`, `NET_FAILED`; or the signal's
 * reason.
 */
export function netRequest(
  request: NetRequest,
  limits: NetLimits,
  signal: AbortSignal,
): Promise<NetResponse> {
  const { url } = request;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const host = url.hostname.replace(/^\[|\]$/g, "");
    if (url.protocol !== "http:" && url.protocol !== "https:") {
      throw refused(`the scheme ${url.protocol} of ${url.origin}`);
    }
    if (isIP(host) !== 0 && !isReachable(host, limits.allowLoopback)) throw refused(host);

    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const outgoing = send(url, {
      method: request.method,
      headers: { ...request.headers, "content-length": request.body.length },
      agent: false,
      lookup: checkedLookup(limits.allowLoopback),
      maxHeaderSize: MAX_HEADER_BYTES,
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
    };
    const fail = (reason: unknown) => {
      settle();
      reject(reason);
      outgoing.destroy();
    };
    signal.addEventListener("abort", abort);

    outgoing.on("error", (cause) => {
      fail(
        cause instanceof BlockcloudError
          ? cause
          : new BlockcloudError("NET_FAILED", `The request failed: ${cause.message}.`, { cause }),
      );
    });
    outgoing.on("upgrade", (_, socket) => {
      // Without a listener the connection would close and nobody be told.
      socket.destroy();
      fail(new BlockcloudError("NET_FAILED", "The other side changed the protocol unasked."));
    });
    outgoing.on("response", (response) => {
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
        resolve({ status: statusCode, headers, trailers, body: Buffer.concat(parts) });
      });
      response.on("error", (cause) => {
        fail(new BlockcloudError("NET_FAILED", `The answer broke off: ${cause.message}.`));
      });
    });
    outgoing.end(request.body);
  });
}

/** Resolves a name and gives only addresses that may be reached; none is an error. */
function checkedLookup(allowLoopback: boolean): LookupFunction {
  return (hostname, options, callback) => {
    dnsLookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) {
        callback(error, "", 0);
        return;
      }
      const open = addresses.filter(({ address }) => isReachable(address, allowLoopback));
      const [first] = open;
      if (first === undefined) callback(refused(hostname), "", 0);
      else if (options.all === true) callback(null, open);
      else callback(null, first.address, first.family);
    });
  };
}

function refused(what: string): BlockcloudError {
  return new BlockcloudError("NET_REFUSED", `Not connecting to ${what}.`, {
    remedy: "A public service must publish a public http or https address.",
  });
}
