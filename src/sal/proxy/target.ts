import { isAuthority } from "../../node/http/host.ts";

/** The parts of an absolute-form target (RFC 9112, 3.2.2). */
export interface AbsoluteTarget {
  /** Host and port as they were sent: the Host of the forwarded request. */
  authority: string;
  /** Without brackets. */
  host: string;
  port: number;
  /** In origin form, or `*` for `OPTIONS` without a path (RFC 9112, 3.2.4). */
  path: string;
}

/**
 * Reads a target in absolute form.
 *
 * @returns Undefined for other forms and schemes, and for a target with user information or a fragment.
 */
export function readAbsolute(method: string, url: string): AbsoluteTarget | undefined {
  // A target has no fragment (RFC 9112, 3.2), and servers disagree on where the path of one ends.
  if (url.includes("#")) return undefined;
  const [, authority, rest = ""] = /^http:\/\/([^/?]*)(.*)$/i.exec(url) ?? [];
  const place = authority === undefined ? undefined : readAuthority(authority, 80);
  if (authority === undefined || place === undefined) return undefined;
  if (rest === "" && method === "OPTIONS") return { authority, ...place, path: "*" };
  return { authority, ...place, path: rest.startsWith("/") ? rest : `/${rest}` };
}

/**
 * Reads host and port, as in the target of a CONNECT.
 *
 * @param otherwise The port if there is none; undefined if there must be one.
 */
export function readAuthority(
  text: string,
  otherwise?: number,
): { host: string; port: number } | undefined {
  if (!isAuthority(text)) return undefined;
  const [, v6, name, digits = ""] = /^(?:\[(.*)\]|([^:]*))(?::(\d*))?$/.exec(text) ?? [];
  const host = v6 ?? name;
  const port = digits === "" ? otherwise : Number(digits);
  return host === undefined || port === undefined ? undefined : { host, port };
}
