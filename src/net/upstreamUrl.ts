import { fileURLToPath, pathToFileURL } from "node:url";

/** Longest path of a Unix socket, bytes: Linux keeps 108 with the final zero. */
const MAX_SOCKET_PATH = 107;

/** The forms of an upstream, for a remedy. */
export const UPSTREAM_FORMS =
  "Give http://host:port, https://host or unix:/run/app.sock, without credentials, path or query.";

/**
 * Reads an upstream: the origin of an HTTP server, or `unix:` and the absolute path of its socket. A base path
 * is refused: it would have to be joined with each target, and `..` in a target could leave it.
 *
 * @returns Undefined for any other text.
 * @example
 * parseUpstream("unix:/run/app.sock");
 */
export function parseUpstream(text: string): URL | undefined {
  if (/^unix:/i.test(text)) return socketUrl(text.slice("unix:".length));
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && isUpstream(url) ? url : undefined;
}

/** Whether a URL is an upstream. */
export function isUpstream(url: URL): boolean {
  if (url.protocol === "unix:") return parseUpstream(`unix:${socketPath(url) ?? ""}`) !== undefined;
  return /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
}

/** The path of a Unix socket; undefined for another upstream, or a URL that names no file. */
export function socketPath({ protocol, host, pathname, search, hash }: URL): string | undefined {
  if (protocol !== "unix:" || host + search + hash !== "") return undefined;
  // `%2F` and `%00` belong to no path.
  return /%2f|%00/i.test(pathname) || !pathname.startsWith("/")
    ? undefined
    : fileURLToPath(`file://${pathname}`);
}

/** Two slashes would begin the name of a host. */
function socketUrl(path: string): URL | undefined {
  const isAbsolute = /^\/(?!\/)/.test(path);
  const isShort = Buffer.byteLength(path) <= MAX_SOCKET_PATH;
  if (!isAbsolute || !isShort || path.endsWith("/") || path.includes("\0")) return undefined;
  return new URL(`unix:${pathToFileURL(path).pathname}`);
}
