import { STATUS_CODES } from "node:http";
import { BlockcloudError } from "../../protocol/errors.ts";
import { SocksReply } from "./socks.ts";

/** How programs are told of an error. */
interface Answer {
  status: number;
  reply: number;
}

/**
 * The answers to error codes: those of the proxy, of lookups and of flows. A status above 499 says that the proxy
 * could not do its part; 404 would read as the service's own.
 */
const ANSWERS: Readonly<Record<string, Answer>> = {
  // What the program asked for.
  PROXY_TARGET_INVALID: { status: 400, reply: SocksReply.failure },
  NAME_INVALID: { status: 400, reply: SocksReply.hostUnreachable },
  PROXY_DESTINATION_REFUSED: { status: 403, reply: SocksReply.notAllowed },
  PROXY_CLIENT_REFUSED: { status: 403, reply: SocksReply.notAllowed },
  PORT_REFUSED: { status: 403, reply: SocksReply.refused },
  SERVICE_DROPPED: { status: 403, reply: SocksReply.notAllowed },
  PROXY_PATH_UNKNOWN: { status: 404, reply: SocksReply.failure },
  PROXY_METHOD_REFUSED: { status: 405, reply: SocksReply.failure },
  PROXY_PASSWORD_WRONG: { status: 407, reply: SocksReply.notAllowed },
  PROXY_HOST_REFUSED: { status: 421, reply: SocksReply.failure },
  PROXY_PASSWORD_RATE: { status: 429, reply: SocksReply.notAllowed },
  PROXY_CODING_REFUSED: { status: 501, reply: SocksReply.failure },
  PROXY_COMMAND_UNSUPPORTED: { status: 501, reply: SocksReply.commandUnsupported },
  UDP_UNSUPPORTED: { status: 501, reply: SocksReply.commandUnsupported },
  PROXY_VERSION_REFUSED: { status: 505, reply: SocksReply.failure },
  // The service, and the way to it.
  SAL_NAME_UNKNOWN: { status: 502, reply: SocksReply.hostUnreachable },
  SERVICE_UNKNOWN: { status: 502, reply: SocksReply.hostUnreachable },
  SERVICE_INACTIVE: { status: 502, reply: SocksReply.hostUnreachable },
  RECORD_MISSING: { status: 502, reply: SocksReply.hostUnreachable },
  DELEGATION_EXPIRED: { status: 502, reply: SocksReply.hostUnreachable },
  RESOLVER_LOOP: { status: 502, reply: SocksReply.hostUnreachable },
  SAL_NO_PATH: { status: 502, reply: SocksReply.hostUnreachable },
  RECORD_STALE: { status: 503, reply: SocksReply.hostUnreachable },
  RESOLVER_UNREACHABLE: { status: 503, reply: SocksReply.networkUnreachable },
  RESOLVER_BUSY: { status: 503, reply: SocksReply.failure },
  PROXY_STOPPED: { status: 503, reply: SocksReply.failure },
  SAL_TIMEOUT: { status: 504, reply: SocksReply.timeout },
  PROXY_CONNECT_TIMEOUT: { status: 504, reply: SocksReply.timeout },
};

/** Codes that have no answer of their own, or are told before there is a request. */
const OTHERS = [
  "PROXY_ANSWER_INVALID",
  "PROXY_FAILED",
  "PROXY_FLOW_LOST",
  "PROXY_GARBAGE",
  "PROXY_HANDSHAKE_TIMEOUT",
  "PROXY_METHOD_UNSUPPORTED",
  "PROXY_PIPELINE_FULL",
  "PROXY_SOCKS4_REFUSED",
  "PROXY_TLS",
  "SAL_PROTOCOL",
  "SAL_VERSION",
  "SERVICE_REVOKED",
  "KEY_CHANGED",
];

/** The codes that an observer may be told; a dialler may have others. */
export const failureCodes: readonly string[] = [...Object.keys(ANSWERS), ...OTHERS];

/** Of every other code: SERVICE_REVOKED, KEY_CHANGED, SAL_PROTOCOL, SAL_VERSION, errors without a code. */
const OTHER: Answer = { status: 502, reply: SocksReply.failure };

/** Longest text about an error that is sent. */
const MAX_DETAIL = 1024;

/** An error, as programs are told of it. */
export interface Failure extends Answer {
  code: string;
  /** RFC 9457 problem details, as JSON. */
  body: string;
}

/**
 * How programs are told of an error. Only the text of a typed error is sent: others may hold anything.
 *
 * @param value What the program asked for, as far as it was read.
 */
export function failureOf(error: unknown, value?: string): Failure {
  const isTyped = error instanceof BlockcloudError;
  const code = isTyped ? error.code : "PROXY_FAILED";
  const { status, reply } = ANSWERS[code] ?? OTHER;
  const details = isTyped ? texts(error) : { detail: "The proxy failed." };
  const problem = { type: "about:blank", title: STATUS_CODES[status], status, code };
  return { code, status, reply, body: JSON.stringify({ ...problem, ...details, value }) };
}

/** The message of an error ends with its remedy. */
function texts({ message, remedy }: BlockcloudError): { detail: string; remedy?: string } {
  if (remedy === undefined) return { detail: message.slice(0, MAX_DETAIL) };
  const detail = message.endsWith(remedy) ? message.slice(0, -remedy.length).trimEnd() : message;
  return { detail: detail.slice(0, MAX_DETAIL), remedy: remedy.slice(0, MAX_DETAIL) };
}
