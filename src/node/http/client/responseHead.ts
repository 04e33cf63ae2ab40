import { BlockcloudError } from "../../../protocol/errors.ts";

/** The fields that this side reads itself, by their names in lower case; several of one name are joined. */
export interface KnownFields {
  connection?: string;
  "content-length"?: string;
  "content-type"?: string;
  "keep-alive"?: string;
  trailer?: string;
  "transfer-encoding"?: string;
  upgrade?: string;
}

/** The head of a response. */
export interface ResponseHead {
  httpVersion: "1.0" | "1.1";
  statusCode: number;
  statusMessage: string;
  /** Alternating names and values, as they were sent. */
  rawHeaders: string[];
  headers: KnownFields;
}

/** A response that is not HTTP/1 as RFC 9112 has it, or that two programs could read in different ways. */
export class MalformedResponse extends BlockcloudError {
  /** @param fault The part that is wrong; never the server's bytes, which may be secret. */
  constructor(fault: string) {
    super("UPSTREAM_MALFORMED", `The server's response is not well-formed HTTP/1: ${fault}.`, {
      remedy: "Correct the server; curl -v shows what it sends.",
    });
    this.name = "MalformedResponse";
  }
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: (.*))?$/s;
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
/** Controls, with the CR and LF that are no end of a line: some programs read them as one. */
const NOT_IN_LINE = /[^\t\x20-\x7e\x80-\xff]/;
const TAB = 9;
const SPACE = 32;

const KNOWN: ReadonlySet<string> = new Set<keyof KnownFields>([
  "connection",
  "content-length",
  "content-type",
  "keep-alive",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** Most names are told from the known ones by their length alone. */
const KNOWN_LENGTHS: ReadonlySet<number> = new Set([...KNOWN].map((name) => name.length));

/**
 * Reads a head. It accepts nothing that two programs could read in different ways: no folded lines, no space before
 * a colon, no bare CR or LF, one length at most, and no coding but `chunked`.
 *
 * @param text Its lines without the two ends of line behind them, one character per byte.
 * @throws MalformedResponse
 */
export function readHead(text: string): ResponseHead {
  const lineEnd = text.indexOf("\r\n");
  const line = lineEnd < 0 ? text : text.slice(0, lineEnd);
  const found = STATUS_LINE.exec(line);
  if (found === null || NOT_IN_LINE.test(line)) throw new MalformedResponse("its status line");
  const rawHeaders = lineEnd < 0 ? [] : readFields(text, lineEnd + 2);
  const headers = knownFields(rawHeaders);
  const head: ResponseHead = {
    httpVersion: found[1] === "1" ? "1.1" : "1.0",
    statusCode: Number(found[2]),
    statusMessage: found[3] ?? "",
    rawHeaders,
    headers,
  };
  checkFraming(head);
  return head;
}

/**
 * Reads the lines of fields, as alternating names and values.
 *
 * @throws MalformedResponse
 */
export function readFields(text: string, from: number): string[] {
  const fields: string[] = [];
  for (let at = from; at < text.length;) {
    const next = text.indexOf("\r\n", at);
    const end = next < 0 ? text.length : next;
    const colon = text.indexOf(":", at);
    if (colon < 0 || colon >= end) throw new MalformedResponse("a field without a colon");
    const name = text.slice(at, colon);
    if (!TOKEN.test(name)) throw new MalformedResponse("the name of a field, or a folded line");
    const value = trimmed(text, colon + 1, end);
    if (NOT_IN_LINE.test(value)) throw new MalformedResponse("a control character in a field");
    // Node's parser, for one, reads "chunked" with a tab behind it as another coding.
    if (text.charCodeAt(end - 1) === TAB && name.toLowerCase() === "transfer-encoding") {
      throw new MalformedResponse("a tab behind the transfer coding");
    }
    fields.push(name, value);
    at = end + 2;
  }
  return fields;
}

/** Without the spaces and tabs around: `trim()` would take the byte 0xa0, too. */
function trimmed(text: string, from: number, to: number): string {
  while (from < to && isSpace(text.charCodeAt(from))) from += 1;
  while (from < to && isSpace(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB;
}

function knownFields(rawHeaders: readonly string[]): KnownFields {
  const known: KnownFields = {};
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (!KNOWN_LENGTHS.has(name.length)) continue;
    const key = name.toLowerCase();
    if (!KNOWN.has(key)) continue;
    const value = rawHeaders[at + 1] ?? "";
    const before = known[key as keyof KnownFields];
    if (before === undefined) known[key as keyof KnownFields] = value;
    else if (key === "content-length") throw new MalformedResponse("several lengths");
    else if (key !== "content-type") known[key as keyof KnownFields] = `${before}, ${value}`;
  }
  return known;
}

function checkFraming({ httpVersion, headers }: ResponseHead): void {
  const { "content-length": length, "transfer-encoding": coding } = headers;
  if (length !== undefined && !(/^\d+$/.test(length) && Number.isSafeInteger(Number(length)))) {
    throw new MalformedResponse("its length");
  }
  if (coding === undefined) return;
  if (length !== undefined) throw new MalformedResponse("both a length and a transfer coding");
  // No other coding was announced (RFC 9112, 7.4), so none is decoded; HTTP/1.0 has none.
  if (coding.toLowerCase() !== "chunked" || httpVersion !== "1.1") {
    throw new MalformedResponse("a transfer coding other than chunked");
  }
}
