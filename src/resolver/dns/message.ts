import { HEADER_BYTES, MAX_UDP_BYTES, types } from "./codes.ts";
import { encodeRr, uint16s, type Rr } from "./rdata.ts";

/** An answer's message, but for what each query has of its own: ID, RD, DO, the letters' case; and TTLs. */
export interface Template {
  /** The whole message, the OPT record last. */
  readonly edns: Buffer;
  /** The same bytes without OPT. */
  readonly plain: Buffer;
  readonly questionEnd: number;
  /** Where the TTLs stand. */
  readonly ttls: readonly number[];
  readonly rcode: number;
}

/** What a message says. */
export interface Contents {
  /** As it was asked: name, type, class; empty where it could not be read. */
  question: Uint8Array;
  rcode: number;
  authoritative?: boolean;
  answers?: readonly Rr[];
  /** The zone's SOA, which says how long a negative answer holds (RFC 2308). */
  authority?: readonly Rr[];
  /** More about an error (RFC 8914). */
  extended?: { code: number; text: string } | undefined;
}

/** Bytes of the encoded zone, with its end: where its name stands in a question, from the name's end. */
const ZONE_BYTES = 10;
const ANSWER_FLAG = 0x80;
const AUTHORITATIVE_FLAG = 0x04;
const TRUNCATED_FLAG = 0x02;

/** Writes a message. */
export function writeMessage(contents: Contents): Template {
  const { question, rcode, answers = [], authority = [] } = contents;
  const questionEnd = HEADER_BYTES + question.length;
  const zone = questionEnd - 4 - ZONE_BYTES;
  const header = Buffer.alloc(HEADER_BYTES);
  header[2] = ANSWER_FLAG | (contents.authoritative === true ? AUTHORITATIVE_FLAG : 0);
  header[3] = rcode & 0x0f;
  header.writeUInt16BE(question.length === 0 ? 0 : 1, 4);
  header.writeUInt16BE(answers.length, 6);
  header.writeUInt16BE(authority.length, 8);
  const ttls: number[] = [];
  let end = questionEnd;
  const encoded = [
    ...answers.map((rr) => encodeRr(HEADER_BYTES, rr)),
    ...authority.map((rr) => encodeRr(zone, rr)),
  ];
  for (const rr of encoded) {
    ttls.push(end + 6);
    end += rr.length;
  }
  const edns = Buffer.concat([header, question, ...encoded, opt(contents)]);
  return { edns, plain: edns.subarray(0, end), questionEnd, ttls, rcode };
}

/** A message without records that tells its reader to ask again over TCP. */
export function truncate({ edns, questionEnd, rcode }: Template): Template {
  const question = edns.subarray(HEADER_BYTES, questionEnd);
  const short = writeMessage({ question, rcode });
  short.edns[2] = (edns[2] ?? 0) | TRUNCATED_FLAG;
  return short;
}

/** Fills a message in for a query, and gives the part of it to send. */
export function fillIn(
  template: Template,
  packet: Uint8Array,
  edns: boolean,
  dnssecOk: boolean,
): Buffer {
  // The letters' case is the query's, too: clients compare it.
  for (let at = HEADER_BYTES; at < template.questionEnd; at++) template.edns[at] = packet[at] ?? 0;
  return fillFlags(template, packet, edns, dnssecOk);
}

/** As `fillIn`, for a message whose question is the query's already. */
export function fillFlags(
  { edns: bytes, plain }: Template,
  packet: Uint8Array,
  edns: boolean,
  dnssecOk: boolean,
): Buffer {
  bytes[0] = packet[0] ?? 0;
  bytes[1] = packet[1] ?? 0;
  // The opcode and RD are the query's.
  bytes[2] = ((bytes[2] ?? 0) & 0x86) | ((packet[2] ?? 0) & 0x79);
  bytes[11] = edns ? 1 : 0;
  if (!edns) return plain;
  bytes[plain.length + 7] = dnssecOk ? 0x80 : 0;
  return bytes;
}

/** The same message in bytes of its own. */
export function copyTemplate(template: Template): Template {
  const edns = Buffer.from(template.edns);
  return { ...template, edns, plain: edns.subarray(0, template.plain.length) };
}

/** Sets all TTLs, seconds. */
export function setTtls({ edns, ttls }: Template, seconds: number): void {
  for (const at of ttls) edns.writeUInt32BE(seconds, at);
}

function opt({ rcode, extended }: Contents): Buffer {
  const options =
    extended === undefined
      ? Buffer.alloc(0)
      : Buffer.concat([
          uint16s(15, 2 + Buffer.byteLength(extended.text), extended.code),
          Buffer.from(extended.text),
        ]);
  const flags = (rcode >> 4) << 8;
  return Buffer.concat([
    Buffer.of(0),
    uint16s(types.OPT, MAX_UDP_BYTES, flags, 0, options.length),
    options,
  ]);
}
