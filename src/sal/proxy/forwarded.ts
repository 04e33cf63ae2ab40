import type { IncomingMessage } from "node:http";
import { framing, plainLength } from "../../node/http/framing.ts";
import { endToEnd } from "../../node/http/hopByHop.ts";
import { takesTrailers } from "../../node/http/trailers.ts";
import type { AbsoluteTarget } from "./target.ts";

/**
 * The proxy's name in Via. A proxy must send that field (RFC 9110, 7.6.3). It sends no X-Forwarded-For: the client is
 * the proxy's own user, whose address the service already has.
 */
const VIA = "blockcloud-proxy";

const isReplaced = (name: string) => name === "host" || name === "max-forwards";
const keepAll = () => false;

/** Header fields for the service, as a flat list. The target replaces the Host field (RFC 9112, 3.2.2). */
export function requestFields(
  request: IncomingMessage,
  { authority }: AbsoluteTarget,
  upgrade: boolean,
): string[] {
  const fields = ["Host", authority, ...endToEnd(request.rawHeaders, isReplaced)];
  fields.push(...framing(request));
  const left = maxForwards(request);
  if (left !== undefined) fields.push("Max-Forwards", String(left - 1));
  if (upgrade) fields.push("Connection", "Upgrade", "Upgrade", "websocket");
  else if (takesTrailers(request)) fields.push("Connection", "TE", "TE", "trailers");
  fields.push("Via", `${request.httpVersion} ${VIA}`);
  return fields;
}

/** Header fields for the program, as a flat list. */
export function responseFields(message: IncomingMessage): string[] {
  const fields = endToEnd(message.rawHeaders, keepAll);
  const length = message.headers["content-length"];
  // A response to HEAD or a 304 may give the length of the body that it does not carry; a 204 may not.
  if (length !== undefined && message.statusCode !== 204) {
    fields.push("Content-Length", plainLength(length));
  }
  fields.push("Via", `${message.httpVersion} ${VIA}`);
  return fields;
}

/** How many more proxies a TRACE or OPTIONS may pass (RFC 9110, 7.6.2); undefined for no limit. */
export function maxForwards({ method, headers }: IncomingMessage): number | undefined {
  const value = headers["max-forwards"];
  if (typeof value !== "string" || (method !== "TRACE" && method !== "OPTIONS")) return undefined;
  return /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}
