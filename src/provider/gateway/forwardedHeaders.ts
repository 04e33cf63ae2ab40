import type { IncomingMessage } from "node:http";
import type { ResponseHead } from "../../node/http/client/responseHead.ts";
import type { Client } from "../../net/proxies.ts";
import { NONCE_HEADER, RECEIPT_HEADER } from "../../protocol/receipt.ts";
import { PAYMENT_FIELDS, PAYMENT_HEADER } from "../../protocol/x402.ts";
import { framing } from "../../node/http/framing.ts";
import { endToEnd } from "../../node/http/hopByHop.ts";
import { takesTrailers } from "../../node/http/trailers.ts";

/** The gateway's name in Via (RFC 9110, 7.6.3). */
const VIA = "blockcloud";

/** Fields that the gateway sets, or handles itself (Expect). */
const REPLACED = new Set(["host", "expect", NONCE_HEADER]);

/**
 * Fields in which proxies tell a server who the client is and what it asked for. An upstream that reads one of
 * them must not get a client's own text, so the gateway removes all and sets those that it knows itself.
 */
const CLAIMS = new Set([
  "akamai-client-ip",
  "cf-connecting-ip",
  "cf-connecting-ipv6",
  "cf-pseudo-ipv4",
  "cf-visitor",
  "client-ip",
  "fastly-client-ip",
  "fly-client-ip",
  "forwarded",
  "forwarded-for",
  "front-end-https",
  "http-client-ip",
  // Read as the variable HTTP_PROXY by CGI programs (CVE-2016-5385).
  "proxy",
  "proxy-client-ip",
  "remote-addr",
  "true-client-ip",
  "wl-proxy-client-ip",
  "x-arr-ssl",
  "x-azure-clientip",
  "x-azure-socketip",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-envoy-external-address",
  "x-forwarded",
  "x-host",
  "x-http-host-override",
  "x-original-for",
  "x-original-forwarded-for",
  "x-original-host",
  "x-original-proto",
  "x-original-url",
  "x-originating-ip",
  "x-proxyuser-ip",
  "x-real-ip",
  "x-remote-addr",
  "x-remote-ip",
  "x-rewrite-url",
  "x-scheme",
  "x-url-scheme",
]);

const isReplaced = (name: string) =>
  REPLACED.has(name) || CLAIMS.has(name) || name.startsWith("x-forwarded-");
/**
 * With a nonce the response must use identity coding, so the field must be set: leaving it out would allow
 * any coding.
 */
const isReplacedWithNonce = (name: string) => name === "accept-encoding" || isReplaced(name);
/** Only the gateway may set a receipt. */
const isReceipt = (name: string) => name === RECEIPT_HEADER;

/** Fields of a payment, which the gateway of a priced service takes and makes itself. */
const PAYMENT_NAMES = new Set(Object.values(PAYMENT_FIELDS).map((name) => name.toLowerCase()));

const isOurs = (name: string) => isReceipt(name) || PAYMENT_NAMES.has(name);

export interface RequestHeaderOptions {
  /** Authority of the upstream: a client must not choose among its virtual hosts. */
  host: string;
  withNonce: boolean;
  client: Client;
  /** The host that the client addressed. */
  clientHost: string | undefined;
  /** Whether the request asks for WebSocket. */
  upgrade: boolean;
  /** Whether the gateway takes payments: a payment's header is a secret of its client. */
  isPriced: boolean;
}

/** Header fields for the upstream, as a flat list. */
export function upstreamHeaders(request: IncomingMessage, options: RequestHeaderOptions): string[] {
  const { host, withNonce, client, clientHost, upgrade, isPriced } = options;
  const headers = ["Host", host];
  const isReplacedHere = withNonce ? isReplacedWithNonce : isReplaced;
  const isLeftOut = isPriced
    ? (name: string) => name === PAYMENT_HEADER || isReplacedHere(name)
    : isReplacedHere;
  headers.push(...endToEnd(request.rawHeaders, isLeftOut));
  if (withNonce) headers.push("Accept-Encoding", "identity");
  headers.push(...framing(request));
  if (upgrade) headers.push("Connection", "Upgrade", "Upgrade", "websocket");
  else if (takesTrailers(request)) headers.push("Connection", "TE", "TE", "trailers");
  headers.push("X-Forwarded-For", client.hops.join(", "));
  if (clientHost !== undefined) headers.push("X-Forwarded-Host", clientHost);
  headers.push("X-Forwarded-Proto", client.scheme);
  headers.push("Via", `${request.httpVersion} ${VIA}`);
  return headers;
}

/**
 * Header fields for the client, as a flat list without those that frame the body.
 *
 * @param upstreamHost Authority of the upstream, which no client can reach.
 * @param isPriced Whether the gateway takes payments: only it may tell what became of one.
 */
export function clientHeaders(
  answer: Pick<ResponseHead, "rawHeaders" | "httpVersion">,
  upstreamHost: string,
  isPriced = false,
): string[] {
  const headers = endToEnd(answer.rawHeaders, isPriced ? isOurs : isReceipt);
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const rewrite = LINKS.get(headers[at]?.toLowerCase() ?? "");
    if (rewrite !== undefined) headers[at + 1] = rewrite(headers[at + 1] ?? "", upstreamHost);
  }
  headers.push("Via", `${answer.httpVersion} ${VIA}`);
  return headers;
}

/** Fields with a URL that a client follows, and how to write it for the client. */
const LINKS = new Map<string, (value: string, upstreamHost: string) => string>([
  ["location", withoutHost],
  ["content-location", withoutHost],
  [
    "refresh",
    (value, host) =>
      value.replace(/^([^;,]*[;,]\s*url\s*=\s*['"]?)(.*)$/i, (_, before: string, url: string) => {
        return before + withoutHost(url, host);
      }),
  ],
]);

/** A URL at the upstream's own host as path and query, which the client resolves against its own. */
function withoutHost(value: string, upstreamHost: string): string {
  const [, scheme, authority, rest = ""] =
    /^\s*(https?:)?[/\\]{2}([^/?#\\]*)(.*)$/i.exec(value) ?? [];
  if (authority === undefined || !isSameHost(scheme ?? "http:", authority, upstreamHost)) {
    return value;
  }
  // Two slashes would begin another host's name; browsers read a backslash as one.
  if (/^(?:\\|\/[/\\])/.test(rest)) return `/.${rest}`;
  return rest.startsWith("/") ? rest : `/${rest}`;
}

function isSameHost(scheme: string, authority: string, upstreamHost: string): boolean {
  const url = `${scheme}//${authority}`;
  return URL.canParse(url) && new URL(url).host === upstreamHost;
}
