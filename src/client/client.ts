import type { Agent } from "node:http";
import type { Hex } from "viem";
import type { SignedReceipt } from "../protocol/receipt.ts";
import type { PathKind } from "../sal/client/dependencies.ts";
import type { Flow } from "../sal/session/flow.ts";
import type { Answer, Change } from "../resolver/answer.ts";
import type { ServiceRequestInit } from "./question.ts";
import type { ServiceResponse } from "./response.ts";

/** Options of a flow. */
export interface ConnectOptions {
  /** Port of the service, 1 to 65535. */
  port: number;
  /** Ends the lookup and the connecting. */
  signal?: AbortSignal;
}

/** A session of the SAL with a service. */
export interface SessionView {
  serviceId: Hex;
  /** The endpoint of the service's record that led to it. */
  endpoint: string;
  /** How the session reaches the service now, and why not without its relay. */
  path: { kind: PathKind; whyRelayed: string | undefined };
  /** The service's proof of the connection that is used now. */
  receipt: SignedReceipt | undefined;
  /** Open flows. */
  flows: number;
}

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
  /**
   * Opens a flow to a service over the SAL: a stream of bytes in both directions, which goes on when the service or
   * this host moves. All flows to a service share one connection, which the service's key has proved.
   *
   * @param service A name (`weather.bloc.alt`), or a service ID.
   * @param options.port Port of the service, 1 to 65535.
   * @param options.signal Ends the lookup and the connecting. For the open flow there is `stream.addAbortSignal`.
   * @returns The flow, when the service has accepted it. A direction that does not end complete is an error.
   * @throws BlockcloudError with a code of `salErrors`, and those of `resolve`.
   * @example
   * const flow = await client.connect("weather.bloc.alt", { port: 80 });
   * flow.end("GET /forecast HTTP/1.0\r\n\r\n");
   * flow.pipe(process.stdout);
   */
  connect(service: string, options: ConnectOptions): Promise<Flow>;
  /**
   * An agent for `node:http` whose connections are flows: the host of a URL is the name of a service. Flows are kept
   * for further requests.
   *
   * @example
   * http.get("http://weather.bloc.alt/forecast", { agent: client.agent() }, (response) => {
   *   response.pipe(process.stdout);
   * });
   */
  agent(): Agent;
  /** The open sessions of the SAL. */
  readonly sessions: readonly SessionView[];
  /** Ends open calls with `CLIENT_CLOSED` and closes connections and flows; `await using` does it by itself. */
  close(): Promise<void>;
}
