import { HEADER_BYTES, MAX_UDP_BYTES, types } from "./codes.ts";
import { ZONES } from "../../protocol/name.ts";
import { lower } from "./query.ts";
import { encodeName, encodeRr, uint16s, type Rr } from "./rdata.ts";

/**
 * A response without the parts that depend on the query (ID, RD, DO and the case of letters) and without
 * TTLs.
 */
export interface Template {
  /** The whole message, the OPT record last. */
  readonly edns: Buffer;
  /** The same bytes without OPT. */
  readonly plain: Buffer;
  readonly questionEnd: number;
  /** Offsets of the TTLs. */
  readonly ttls: readonly number[];
  readonly rcode: number;
}

/** The contents of a message. */
export interface Contents {
  /** The question as received: name, type, class; empty if it could not be read. */
  question: Uint8Array;
  rcode: number;
  authoritative?: boolean;
  answers?: readonly Rr[];
  /** The zone's SOA, which sets the TTL of a negative answer (RFC 2308). */
  authority?: readonly Rr[];
  /** Extended error (RFC 8914). */
  extended?: { code: number; text: string } | undefined;
}

/** The encoded names of the zones with their final zero byte, which end every name in them. */
const ZONE_NAMES = ZONES.map(encodeName);
const ANSWER_FLAG = 0x80;
const AUTHORITATIVE_FLAG = 0x04;
const TRUNCATED_FLAG = 0x02;

/** Writes a message. */
export function writeMessage(contents: Contents): Template {
  const { question, rcode, answers = [], authority = [] } = contents;
  const questionEnd = HEADER_BYTES + question.length;
  const zone = HEADER_BYTES + (zoneStart(question) ?? 0);
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

/** Whether a question (name, type, class) is about a name in one of the zones. */
export function isInZone(question: Uint8Array): boolean {
  return zoneStart(question) !== undefined;
}

/** Where the zone's name begins in a question; undefined for a name outside of the zones. */
function zoneStart(question: Uint8Array): number | undefined {
  const name = ZONE_NAMES.find((each) => endsIn(question, each));
  return name && question.length - 4 - name.length;
}

function endsIn(question: Uint8Array, name: Uint8Array): boolean {
  const start = question.length - 4 - name.length;
  let at = 0;
  while (at < start) at += 1 + (question[at] ?? 0);
  return at === start && name.every((byte, offset) => lower(question[at + offset] ?? 0) === byte);
}

/** A message without records that tells the client to ask again over TCP. */
export function truncate({ edns, questionEnd, rcode }: Template): Template {
  const question = edns.subarray(HEADER_BYTES, questionEnd);
  const short = writeMessage({ question, rcode });
  short.edns[2] = (edns[2] ?? 0) | TRUNCATED_FLAG;
  return short;
}

/** Completes a message for a query, and returns the bytes to send. */
export function fillIn(
  template: Template,
  packet: Uint8Array,
  edns: boolean,
  dnssecOk: boolean,
): Buffer {
  // The case of letters is copied from the query, too, because clients compare it.
  for (let at = HEADER_BYTES; at < template.questionEnd; at++) template.edns[at] = packet[at] ?? 0;
  return fillFlags(template, packet, edns, dnssecOk);
}

/** As `fillIn`, for a message that already has the query's question. */
export function fillFlags(
  { edns: bytes, plain }: Template,
  packet: Uint8Array,
  edns: boolean,
  dnssecOk: boolean,
): Buffer {
  bytes[0] = packet[0] ?? 0;
  bytes[1] = packet[1] ?? 0;
  // The opcode and RD are copied from the query.
  bytes[2] = ((bytes[2] ?? 0) & 0x86) | ((packet[2] ?? 0) & 0x79);
  bytes[11] = edns ? 1 : 0;
  if (!edns) return plain;
  bytes[plain.length + 7] = dnssecOk ? 0x80 : 0;
  return bytes;
}

/** A copy of a message in its own memory. */
export function copyTemplate(template: Template): Template {
  const edns = Buffer.from(template.edns);
  return { ...template, edns, plain: edns.subarray(0, template.plain.length) };
}

/** Sets all TTLs to a number of seconds. */
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
