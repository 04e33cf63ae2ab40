import type { Answer, Change } from "../resolver/answer.ts";
import type { ServiceRequestInit } from "./question.ts";
import type { ServiceResponse } from "./response.ts";

/** Finds services, calls them, and checks what they say. It connects at its first use. */
export interface Client extends AsyncDisposable {
  /**
   * Looks up where a service is.
   *
   * @param service A name (`weather.bloc.alt`), or a service ID (0x and 64 hexadecimal digits).
   * @returns Endpoints in the order to try them, from a record that the service's key signed, and what the
   *   chain says of the service. Times are Unix milliseconds.
   * @throws BlockcloudError with a code of `resolveErrors`; `ANSWER_*` for a resolver that lies;
   *   `CHAIN_UNREACHABLE`, `CHAIN_MISMATCH`; `CORAL_ADDRESS_INVALID`; `CLIENT_CLOSED`; or the signal's reason.
   * @example
   * const { endpoints, expiresAt } = await client.resolve("weather.bloc.alt");
   */
  resolve(service: string, options?: { signal?: AbortSignal }): Promise<Answer>;
  /**
   * Follows a service: how things stand now, then each change. A change is another endpoint, key or status,
   * another service under the name, or an error; a renewed lease is none.
   *
   * @param options.signal Ends the iteration, which then throws the signal's reason. `break` ends it as well.
   * @throws BlockcloudError as `resolve` does for what no later lookup can mend.
   * @example
   * for await (const change of client.watch("weather.bloc.alt")) {
   *   console.log("answer" in change ? change.answer.endpoints : change.error.code);
   * }
   */
  watch(
    service: string,
    options?: { signal?: AbortSignal },
  ): AsyncGenerator<Change, void, undefined>;
  /**
   * Asks a service over HTTP, and checks that the service's key signed for the response: its status and whole
   * body, for this request and this nonce.
   *
   * Endpoints are tried in their order until one responds: a GET, HEAD, OPTIONS, PUT or DELETE at all of
   * them, others only until the request has left. Redirects are not followed. The body is read whole before
   * the promise is fulfilled.
   *
   * @param input `bloc://weather/path`, `weather.bloc.alt/path`, or `0x<64 digits>/path`.
   * @throws ReceiptError where the receipt is missing or wrong; UnreachableError where no endpoint responds;
   *   BlockcloudError `SERVICE_URL_INVALID`, `NONCE_MALFORMED`, `ENDPOINT_NOT_HTTP`, `NET_TOO_LARGE`,
   *   `REQUEST_TIMEOUT`, and what `resolve` throws. TypeError for a request that there cannot be.
   * @example
   * const response = await client.fetch("bloc://weather/forecast");
   * console.log(await response.json(), response.receipt.issuedAt);
   */
  fetch(input: string | URL, init?: ServiceRequestInit): Promise<ServiceResponse>;
  /** Ends open calls with `CLIENT_CLOSED` and closes connections; `await using` does it by itself. */
  close(): Promise<void>;
}
