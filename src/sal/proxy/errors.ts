import { BlockcloudError } from "../../protocol/errors.ts";

/** Errors that several parts of the proxy raise. */

/** The code of {@link clientGone}. */
export const GONE = "PROXY_CLIENT_GONE";

/** The error of a program that has gone. */
export function clientGone(): BlockcloudError {
  return new BlockcloudError(GONE, "The program closed its connection.", {
    remedy: "Ask again.",
  });
}

/** The error of bytes in no known form. */
export function garbage(): BlockcloudError {
  return new BlockcloudError("PROXY_GARBAGE", "Neither SOCKS5 nor HTTP.", {
    remedy: "Use the port as a proxy for SOCKS5 or HTTP.",
  });
}

/** The error of a flow that closed before it ended. */
export function flowLost(cause?: unknown): BlockcloudError {
  return new BlockcloudError("PROXY_FLOW_LOST", "The flow closed before it ended.", {
    cause,
    remedy: "Ask again.",
    retryable: true,
  });
}
