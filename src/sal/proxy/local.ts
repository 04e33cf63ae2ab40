import type { IncomingMessage, ServerResponse } from "node:http";
import { isLoopback } from "../../net/addresses.ts";
import { plainAddress } from "../../net/peer.ts";
import { hostOf } from "../../node/http/host.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { PAC_TYPE, pacFile } from "./pac.ts";
import { OWN_FIELDS } from "./refusal.ts";
import { readAuthority } from "./target.ts";

/**
 * Answers a request for the proxy itself: its `proxy.pac`.
 *
 * @throws BlockcloudError
 */
export function answerLocal(request: IncomingMessage, response: ServerResponse): void {
  const { method = "", url = "", socket } = request;
  // A page of the web can give its own name this host's address, and would then be of the same origin.
  if (!isLoopbackHost(request)) {
    throw new BlockcloudError(
      "PROXY_HOST_REFUSED",
      "The request is addressed to a server, and this is a proxy.",
      { remedy: "Use the port as a proxy, or ask for /proxy.pac at 127.0.0.1." },
    );
  }
  if (url.replace(/\?.*$/, "") !== "/proxy.pac") {
    throw new BlockcloudError("PROXY_PATH_UNKNOWN", `The proxy has no ${url.slice(0, 80)}.`, {
      remedy: "Its only page is /proxy.pac.",
    });
  }
  if (method !== "GET" && method !== "HEAD") {
    throw new BlockcloudError("PROXY_METHOD_REFUSED", `Not a method of /proxy.pac: ${method}.`, {
      remedy: "Use GET.",
    });
  }
  const body = pacFile(plainAddress(socket.localAddress), socket.localPort ?? 0);
  const fields = ["Content-Type", PAC_TYPE, "Content-Length", String(Buffer.byteLength(body))];
  response.writeHead(200, [...fields, ...OWN_FIELDS]);
  response.end(method === "HEAD" ? undefined : body);
}

function isLoopbackHost({ rawHeaders }: IncomingMessage): boolean {
  const found = hostOf(rawHeaders);
  const host = found === "refused" ? undefined : found.host;
  const name = host === undefined ? undefined : readAuthority(host, 80)?.host;
  return name !== undefined && (isLoopback(name) || /^localhost\.?$/i.test(name));
}
