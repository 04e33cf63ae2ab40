import type { BlockcloudError } from "../../protocol/errors.ts";
import { salError, salErrors } from "../errors.ts";

type ReasonName = keyof typeof salErrors;

/** The codes on the wire; a number is never given to another error. */
const NUMBERS: Partial<Record<ReasonName, number>> = {
  cancelled: 1,
  port: 2,
  udp: 3,
  upstream: 4,
  busy: 5,
  leaving: 6,
  protocol: 7,
  version: 8,
  identity: 9,
  revoked: 10,
  key: 11,
  lost: 12,
  timeout: 13,
  unpaid: 14,
  expired: 15,
};
const NAMES = new Map(
  Object.entries(NUMBERS).map(([name, number]) => [number, name as ReasonName]),
);
const BY_CODE = new Map(
  Object.entries(salErrors).map(([name, code]) => [code as string, name as ReasonName]),
);
/** Longest text of a reason, bytes. */
const MAX_TEXT = 512;

/** The payload of RESET, GOAWAY and REFUSED: a code, and a text for people. */
export function encodeReason(error: BlockcloudError): Buffer {
  const name = BY_CODE.get(error.code) ?? "cancelled";
  const text = Buffer.from(plain(error)).subarray(0, MAX_TEXT);
  return Buffer.concat([Buffer.of(NUMBERS[name] ?? 1), text]);
}

/** The error that the peer tells; its text is a stranger's. */
export function decodeReason(payload: Buffer): BlockcloudError {
  const name = NAMES.get(payload[0] ?? 0) ?? "cancelled";
  const told = payload.subarray(1, 1 + MAX_TEXT).toString("utf8");
  // A stranger's text goes to terminals and logs.
  const text = told.replace(/[^\x20-\x7e]/g, "?").trim();
  return salError(name, text === "" ? `The peer ended it (${salErrors[name]}).` : text);
}

/** The message without its remedy, which the other side adds itself. */
function plain(error: BlockcloudError): string {
  const { message, remedy } = error;
  return remedy !== undefined && message.endsWith(remedy)
    ? message.slice(0, -remedy.length).trim()
    : message;
}
