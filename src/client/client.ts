import type { Answer, Change } from "../resolver/answer.ts";
import type { ServiceRequestInit } from "./question.ts";
import type { ServiceResponse } from "./response.ts";

/** Finds services, calls them, and checks their responses. It connects at its first use. */
export interface Client extends AsyncDisposable {
  /**
   * Looks up the endpoints of a service.
   *
   * @param service A name (`weather.bloc.alt`), or a service ID (0x and 64 hexadecimal digits).
   * @returns Endpoints in the order to try them, from a record that the service's key signed, and the chain's data
   *   of the service. Times are Unix milliseconds.
   * @throws BlockcloudError with a code of `resolveErrors`; `ANSWER_*` for a false answer of a resolver;
   *   `CHAIN_UNREACHABLE`, `CHAIN_MISMATCH`; `CORAL_ADDRESS_INVALID`; `CLIENT_CLOSED`; or the signal's reason.
   * @example
   * const { endpoints, expiresAt } = await client.resolve("weather.bloc.alt");
   */
  resolve(service: string, options?: { signal?: AbortSignal }): Promise<Answer>;
  /**
   * Follows a service: yields the present answer, then each change. A change is another endpoint, key or status,
   * another service under the name, or an error; a renewed lease is not a change.
   *
   * @param options.signal Ends the iteration, which then throws the signal's reason. `break` ends it as well.
   * @throws BlockcloudError as `resolve`, if no later lookup can succeed.
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
   * Calls a service over HTTP, and checks that the service's key signed the response: its status and whole body,
   * for this request and this nonce.
   *
   * Endpoints are tried in their order until one responds: a GET, HEAD, OPTIONS, PUT or DELETE at all of them,
   * other requests only while no byte was sent. Redirects are not followed. The whole body is read before the
   * promise is fulfilled.
   *
   * @param input `bloc://weather/path`, `weather.bloc.alt/path`, or `0x<64 digits>/path`.
   * @throws ReceiptError if the receipt is missing or wrong; UnreachableError if no endpoint responds;
   *   BlockcloudError `SERVICE_URL_INVALID`, `NONCE_MALFORMED`, `ENDPOINT_NOT_HTTP`, `NET_TOO_LARGE`,
   *   `REQUEST_TIMEOUT`, and those of `resolve`. TypeError for an impossible request.
   * @example
   * const response = await client.fetch("bloc://weather/forecast");
   * console.log(await response.json(), response.receipt.issuedAt);
   */
  fetch(input: string | URL, init?: ServiceRequestInit): Promise<ServiceResponse>;
  /** Ends open calls with `CLIENT_CLOSED` and closes connections; `await using` does it by itself. */
  close(): Promise<void>;
}
