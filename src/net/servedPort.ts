import { BlockcloudError } from "../protocol/errors.ts";

/** How a port is served. */
export type PortMode =
  /** By the gateway: HTTP/1.1 with receipts for responses. */
  | "http"
  /** By a connection to the service's own server, byte for byte. */
  | "tcp";

/** A port that a service offers in the SAL. */
export interface ServedPort {
  /** The number that clients dial, 1 to 65535. */
  port: number;
  mode: PortMode;
  /** Of mode `tcp`: where the service's own server listens. */
  to?: { host: string; port: number } | { path: string } | undefined;
}

/**
 * Reads a port: `<port>=http`, `<port>=tcp:<host>:<port>` or `<port>=tcp:unix:<path>`.
 *
 * @throws BlockcloudError `GATEWAY_OPTIONS`.
 * @example
 * parsePort("5432=tcp:127.0.0.1:5432");
 */
export function parsePort(text: string): ServedPort {
  const [, number = "", mode = ""] = /^(\d{1,5})=(.+)$/s.exec(text) ?? [];
  const port = Number(number);
  if (port < 1 || port > 65_535) throw invalid(text);
  if (mode === "http") return { port, mode: "http" };
  const [, path] = /^tcp:unix:(\/.+)$/.exec(mode) ?? [];
  if (path !== undefined) return { port, mode: "tcp", to: { path } };
  const [, bracketed, plain, target = ""] =
    /^tcp:(?:\[([0-9a-f:]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(mode) ?? [];
  const host = bracketed ?? plain;
  const toPort = Number(target);
  if (host === undefined || toPort < 1 || toPort > 65_535) throw invalid(text);
  return { port, mode: "tcp", to: { host, port: toPort } };
}

function invalid(text: string): BlockcloudError {
  return new BlockcloudError("GATEWAY_OPTIONS", `Not a port: ${text.slice(0, 80)}.`, {
    remedy: "Give <port>=http, <port>=tcp:<host>:<port> or <port>=tcp:unix:<path>.",
  });
}
