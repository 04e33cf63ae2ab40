import { isIP } from "node:net";
import type { HttpRequest } from "../node/http/httpServer.ts";
import { ConsoleProblem } from "./problem.ts";

/**
 * Refuses requests for another host. A page of the web can point its own name at this machine (DNS rebinding), and
 * would then be of the same origin as the answers: so names count only if the operator listed them. An address
 * cannot be rebound.
 *
 * @param names Names under which the page is served, beside `localhost`.
 * @throws ConsoleProblem `HOST_REFUSED`.
 */
export function checkHost(request: HttpRequest, names: ReadonlySet<string>): void {
  const host = nameOf(request.headers.host ?? "");
  if (host === "localhost" || isIP(host) !== 0 || names.has(host)) return;
  throw new ConsoleProblem("HOST_REFUSED", "The page is not served under this name.");
}

/**
 * Refuses requests that another origin's page makes: those paths send something, or reach services. A browser names
 * the origin of a request with a body, and says whether it is the page's own.
 *
 * @throws ConsoleProblem `ORIGIN_REFUSED`.
 */
export function checkOrigin(request: HttpRequest): void {
  const { origin, host = "" } = request.headers;
  const site = request.headers["sec-fetch-site"];
  const isOwn = origin === undefined || hostOfOrigin(origin) === host.toLowerCase();
  if (isOwn && (site === undefined || site === "same-origin")) return;
  throw new ConsoleProblem("ORIGIN_REFUSED", "Only the console's own page may ask this.");
}

/** The name in a Host field: without port, and without the brackets of IPv6. */
function nameOf(host: string): string {
  const [, v6, name = ""] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host.toLowerCase()) ?? [];
  return v6 ?? name.replace(/\.$/, "");
}

function hostOfOrigin(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
