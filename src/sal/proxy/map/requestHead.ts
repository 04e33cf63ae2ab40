import { isAuthority } from "../../../node/http/host.ts";

/** What the first bytes of a program's connection are. */
export type FirstBytes =
  /** They may yet become a request of HTTP/1. */
  | { kind: "short" }
  /** They belong to another protocol. */
  | { kind: "other" }
  /** The head of a request; all hosts that it names. */
  | { kind: "request"; authorities: readonly string[] }
  /** A request whose host no two servers read alike, or that has none. */
  | { kind: "refused"; why: string };

/** A token of RFC 9110 (5.6.2), as long as any method. */
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}";
/** What may become a request's line: printable characters. */
const MAYBE_LINE = new RegExp(`^(?:${TOKEN})?$|^${TOKEN}[ \\t][\\t\\x20-\\x7e\\x80-\\xff]*\\r?$`);
const REQUEST_LINE = new RegExp(`^${TOKEN} (\\S+) HTTP/1\\.\\d$`);
/** What a server that reads generously may take for a request: further blanks, another version, HTTP/0.9. */
const LIKE_REQUEST = /[ \t]HTTP\/\d+(?:\.\d*)?[ \t]*$|^GET +\/\S*$/i;
const FIELD = new RegExp(`^(${TOKEN.replace("{1,32}", "+")}):[ \\t]*(.*?)[ \\t]*$`);
/** The preface of HTTP/2 (RFC 9113, 3.4). No page of a browser can send it without TLS. */
const HTTP2 = "PRI * HTTP/2.0";

/**
 * Reads the first bytes of a connection, as far as is needed to know which host an HTTP request names.
 *
 * Lines may end without a CR, as lenient servers read them; all else that two servers could read differently is refused.
 *
 * @param maxBytes Of a request's head.
 */
export function readFirstBytes(bytes: Buffer, maxBytes: number): FirstBytes {
  // A server skips empty lines before a request (RFC 9112, 2.2).
  const text = bytes.toString("latin1", 0, maxBytes + 1).replace(/^(?:\r?\n)+/, "");
  if (text === "" || text === "\r") return { kind: bytes.length > maxBytes ? "other" : "short" };
  const end = text.indexOf("\n");
  if (end < 0) {
    if (!MAYBE_LINE.test(text)) return { kind: "other" };
    return text.length > maxBytes ? refused("its first line is too long") : { kind: "short" };
  }
  const line = text.slice(0, end).replace(/\r$/, "");
  // What was no request before its end is none at its end.
  if (!MAYBE_LINE.test(line)) return { kind: "other" };
  const [, target] = REQUEST_LINE.exec(line) ?? [];
  if (target === undefined) {
    return line !== HTTP2 && LIKE_REQUEST.test(line)
      ? refused("its first line is malformed")
      : { kind: "other" };
  }
  const close = /\n\r?\n/.exec(text);
  if (close === null) {
    return text.length > maxBytes ? refused("its head is too long") : { kind: "short" };
  }
  return readFields(target, text.slice(end + 1, close.index + 1));
}

function readFields(target: string, text: string): FirstBytes {
  const hosts: string[] = [];
  for (const line of text.split(/\r?\n/).slice(0, -1)) {
    const [, name = "", value = ""] = FIELD.exec(line) ?? [];
    // A folded line, a bare CR, or a blank before the colon.
    if (name === "" || value.includes("\r")) return refused("a header field is malformed");
    if (name.toLowerCase() === "host") hosts.push(value);
  }
  const [host] = hosts;
  if (host === undefined || host === "") return refused("it has no Host");
  if (hosts.length > 1) return refused("it has several Hosts");
  const inTarget = authorityOf(target);
  if (!isAuthority(host) || (inTarget !== undefined && !isAuthority(inTarget))) {
    return refused("its host is malformed");
  }
  return { kind: "request", authorities: inTarget === undefined ? [host] : [host, inTarget] };
}

/** The authority that a target names besides the Host field; a server prefers it (RFC 9112, 3.2.2). */
function authorityOf(target: string): string | undefined {
  if (target.startsWith("/") || target === "*") return undefined;
  const [, authority] = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i.exec(target) ?? [];
  // The target of a CONNECT is an authority.
  return authority ?? target;
}

function refused(why: string): FirstBytes {
  return { kind: "refused", why };
}
