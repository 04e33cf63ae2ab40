import type { IncomingMessage } from "node:http";

/** Characters that may not stand in a reason phrase (RFC 9112, 4). */
const NOT_IN_REASON = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * Why a response's head cannot be passed on; undefined for a good one. The parser accepts more than a client
 * may be sent.
 */
export function headFault(message: IncomingMessage): string | undefined {
  const { statusCode = 0, statusMessage = "", headers, httpVersionMajor } = message;
  if (httpVersionMajor !== 1) return `HTTP/${message.httpVersion} in the status line`;
  if (statusCode < 100) return `status ${statusCode}`;
  if (NOT_IN_REASON.test(statusMessage)) return "a control character in the reason phrase";
  const coding = headers["transfer-encoding"];
  if (coding === undefined || coding.trim().toLowerCase() === "chunked") return undefined;
  // No other coding was announced (RFC 9112, 7.4), so none is decoded.
  return "a transfer coding other than chunked";
}
