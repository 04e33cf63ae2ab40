import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { isChunkedOnly } from "../../node/http/framing.ts";
import { hostOf } from "../../node/http/host.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { clientRefused, type Access, type Grant } from "./access.ts";
import { readAbsolute, readAuthority, type AbsoluteTarget } from "./target.ts";

/**
 * Checks the head of a request.
 *
 * @returns The target of a request in absolute form; undefined for one to the proxy itself.
 * @throws BlockcloudError
 */
export function admit(
  request: IncomingMessage,
  socket: Socket,
  grant: Grant,
  access: Access,
): AbsoluteTarget | undefined {
  const { method = "", url = "", rawHeaders, headers } = request;
  checkVersion(request);
  if (grant === "closed") throw clientRefused();
  if (hostOf(rawHeaders) === "refused") {
    throw invalid("The request has several Host fields or a malformed one.");
  }
  // The parser unpacks only the chunks; the service would get packed bytes that nothing names.
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && !isChunkedOnly(coding, request)) {
    throw new BlockcloudError(
      "PROXY_CODING_REFUSED",
      `Not the transfer coding chunked: ${coding}.`,
    );
  }
  // It holds no secret, and browsers send no password for it.
  if (url.startsWith("/")) return undefined;
  if (grant === "password") access.check(passwordOf(request), socket);
  const target = readAbsolute(method, url);
  if (target === undefined) {
    throw invalid(`Not an http URL: ${JSON.stringify(url.slice(0, 80))}.`);
  }
  if (method === "TRACE") {
    // It would send the program's own fields, cookies among them, back to a page.
    throw new BlockcloudError("PROXY_METHOD_REFUSED", "TRACE is not passed on.", {
      remedy: "Use GET.",
    });
  }
  return target;
}

/**
 * Checks the head of a CONNECT.
 *
 * @throws BlockcloudError
 */
export function admitTunnel(
  request: IncomingMessage,
  socket: Socket,
  grant: Grant,
  access: Access,
): { host: string; port: number } {
  checkVersion(request);
  if (grant === "closed") throw clientRefused();
  if (grant === "password") access.check(passwordOf(request), socket);
  const target = readAuthority(request.url ?? "");
  if (target !== undefined) return target;
  throw invalid(`Not a host and a port: ${JSON.stringify((request.url ?? "").slice(0, 80))}.`);
}

/** The parser reads a line without a version as HTTP/0.9, and would respond with a head. */
function checkVersion({ httpVersion, httpVersionMajor }: IncomingMessage): void {
  if (httpVersionMajor === 1) return;
  throw new BlockcloudError("PROXY_VERSION_REFUSED", `HTTP/${httpVersion} is not served.`, {
    remedy: "Use HTTP/1.1.",
  });
}

/** The password of Basic credentials (RFC 7617); undefined if there are none. */
function passwordOf({ headers }: IncomingMessage): string | undefined {
  const [, code] = /^basic +([a-z\d+/]+=*) *$/i.exec(headers["proxy-authorization"] ?? "") ?? [];
  if (code === undefined) return undefined;
  const text = Buffer.from(code, "base64").toString();
  const at = text.indexOf(":");
  return at < 0 ? undefined : text.slice(at + 1);
}

function invalid(message: string): BlockcloudError {
  return new BlockcloudError("PROXY_TARGET_INVALID", message, {
    remedy: "Ask for http://<name>.bloc.alt/<path>, or use CONNECT or SOCKS5 for TLS.",
  });
}
