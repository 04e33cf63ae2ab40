import type { HttpRequest } from "../../node/http/httpServer.ts";
import type { AnyResponse } from "../../node/http/response.ts";

/** One operation of the HTTP front. */
export interface Route {
  /** HEAD is served by the route of GET. */
  method: "GET" | "POST";
  /** A path; `:name` at its end stands for one segment. */
  path: string;
  run(request: HttpRequest, param: string): AnyResponse | Promise<AnyResponse>;
}

/** The route of a request, and the decoded segment of its path that the route names. */
export function findRoute(
  routes: readonly Route[],
  { method, path }: Pick<HttpRequest, "method" | "path">,
): { route: Route; param: string } | undefined {
  const wanted = method === "HEAD" ? "GET" : method;
  const end = path.lastIndexOf("/") + 1;
  for (const route of routes) {
    if (route.method !== wanted) continue;
    if (route.path === path) return { route, param: "" };
    if (end === path.length || route.path.charAt(end) !== ":") continue;
    if (!path.startsWith(route.path.slice(0, end))) continue;
    return { route, param: decoded(path.slice(end)) };
  }
  return undefined;
}

/** The methods that a path serves, for `Allow`; undefined for a path of no route. */
export function allowedMethods(routes: readonly Route[], path: string): string | undefined {
  const found = (["GET", "POST"] as const).filter((method) => findRoute(routes, { method, path }));
  if (found.length === 0) return undefined;
  return [...found, ...(found.includes("GET") ? ["HEAD"] : []), "OPTIONS"].join(", ");
}

function decoded(segment: string): string {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    // No name has a percent sign, so it is refused as it stands.
    return segment;
  }
}
