import type { Hex } from "viem";
import { REFUSED_REMEDY } from "../net/dialRules.ts";
import { receiptErrors } from "../protocol/checkReceipt.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { resolveErrors } from "../resolver/answer.ts";

/** The codes of a client's errors. */
export const clientErrors = {
  ...resolveErrors,
  /** An option is missing, or two exclude each other. */
  options: "CLIENT_OPTIONS_INVALID",
  /** The package has no deployment with that name. */
  network: "NETWORK_UNKNOWN",
  /** Not a URL of a service. */
  url: "SERVICE_URL_INVALID",
  /** Not a nonce: 0x and 64 hexadecimal digits. */
  nonce: "NONCE_MALFORMED",
  /** The service has no endpoint that HTTP reaches. */
  noHttp: "ENDPOINT_NOT_HTTP",
  /** No endpoint gave a response: an {@link UnreachableError}. */
  unreachableService: "SERVICE_UNREACHABLE",
  /** The time limit of the request was exceeded. */
  timeout: "REQUEST_TIMEOUT",
  /** The response is longer than the client's limit. */
  tooLarge: "NET_TOO_LARGE",
  /** The client was closed. */
  closed: "CLIENT_CLOSED",
  /** The receipt is missing or wrong: a {@link ReceiptError}. */
  receipt: receiptErrors,
} as const;

/** The failure of an endpoint. */
export interface EndpointFailure {
  /** The URL that the service published. */
  endpoint: string;
  error: BlockcloudError;
}

/**
 * No endpoint of a service gave a response; `code` is `SERVICE_UNREACHABLE`. The service may still have received
 * the request.
 */
export class UnreachableError extends BlockcloudError {
  readonly serviceId: Hex;
  /** The tried endpoints, in order. */
  readonly failures: readonly EndpointFailure[];

  constructor(serviceId: Hex, failures: readonly EndpointFailure[]) {
    const list = failures.map(({ endpoint, error }) => `${endpoint}: ${error.code}`).join(", ");
    const isForbidden =
      failures.length > 0 && failures.every(({ error }) => error.remedy === REFUSED_REMEDY);
    super("SERVICE_UNREACHABLE", `No endpoint of ${serviceId} gave a response (${list}).`, {
      cause: failures.at(-1)?.error,
      // Another try does not help where this client's own rules forbid each address.
      remedy: isForbidden ? REFUSED_REMEDY : "Try again; if that does not help, ask the provider.",
      retryable: true,
    });
    this.name = "UnreachableError";
    this.serviceId = serviceId;
    this.failures = failures;
  }
}

/**
 * A response without a valid receipt; `code` is one of `receiptErrors`. A gateway that refuses a request, for example
 * because of its rate, signs no receipt either: `response` then has its RFC 9457 problem.
 */
export class ReceiptError extends BlockcloudError {
  readonly serviceId: Hex;
  /** The URL of the endpoint. */
  readonly endpoint: string;
  /** The unproven response. Any host on the path may have written it. */
  readonly response: Response;

  constructor(
    error: { code: string; message: string; cause?: unknown },
    about: { serviceId: Hex; endpoint: string; response: Response },
  ) {
    super(error.code, error.message, {
      cause: error.cause,
      retryable: about.response.status >= 429,
    });
    this.name = "ReceiptError";
    this.serviceId = about.serviceId;
    this.endpoint = about.endpoint;
    this.response = about.response;
  }
}

/** The error of a closed client, and of calls that the closing ends. */
export function clientClosed(): BlockcloudError {
  return new BlockcloudError("CLIENT_CLOSED", "The client was closed.", {
    remedy: "Create another one.",
  });
}
