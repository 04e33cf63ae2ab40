import { createTransport, type Transport } from "viem";
import { silentLogger, type Logger } from "../../node/logger.ts";
import { systemTimers, type Timers } from "../../node/timers.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { Endpoint, type EndpointState, type RpcObserver } from "./endpoint.ts";
import { AnswerError, EndpointFault } from "./faults.ts";

/** A request may take this long, milliseconds: with another endpoint to go to, and with none. */
const TIMEOUT_MS = { one: 10_000, several: 5_000 };
/** How often the heads of several endpoints are compared, milliseconds. */
const SURVEY_MS = 5_000;
/** Blocks by which a head may be behind the best one. */
const TOLERATED_LAG = 3n;
/** From the first to use to the last to try; one on another chain is never asked. */
const ORDER: Record<EndpointState, number> = { up: 0, lagging: 1, down: 2, wrong: 3 };
/** JSON-RPC code of a call that reverts: the chain's word, which no other endpoint changes. */
const REVERTED = 3;

export interface FailoverDependencies {
  timers?: Pick<Timers, "monotonic"> | undefined;
  log?: Logger | undefined;
  observer?: RpcObserver | undefined;
}

/**
 * A transport over several endpoints of one chain: the first one that is well answers, in the order given.
 * One that fails is left alone for a while, one that lags until it has caught up, one of another chain for
 * good. Where none is well the others are tried all the same, rather than none.
 *
 * @throws BlockcloudError `RPC_URL_INVALID`, with the place of the URL in the list and not the URL itself,
 * which may hold a key.
 */
export function failover(
  rpcUrls: readonly string[],
  chainId: number,
  dependencies: FailoverDependencies = {},
): Transport {
  const set = new EndpointSet(rpcUrls, chainId, dependencies);
  return () =>
    createTransport({
      key: "failover",
      name: "RPC endpoints",
      type: "failover",
      request: ({ method, params }: { method: string; params?: unknown }) =>
        set.request(method, params) as Promise<never>,
      retryCount: 2,
    });
}

/** The endpoints, and who of them is asked. */
export class EndpointSet {
  readonly #endpoints: readonly Endpoint[];
  readonly #timers: Pick<Timers, "monotonic">;
  #survey: Promise<void> | undefined;
  #surveyAt = 0;

  constructor(rpcUrls: readonly string[], chainId: number, dependencies: FailoverDependencies) {
    checkUrls(rpcUrls);
    const { timers = systemTimers, log = silentLogger, observer } = dependencies;
    this.#timers = timers;
    const timeoutMs = rpcUrls.length === 1 ? TIMEOUT_MS.one : TIMEOUT_MS.several;
    this.#endpoints = rpcUrls.map(
      (url, index) =>
        new Endpoint({ url, place: index + 1, chainId, timeoutMs }, { timers, log, observer }),
    );
  }

  /** Asks the endpoints in turn until one answers. */
  async request(method: string, params: unknown): Promise<unknown> {
    // Only the first comparison is waited for: before it nobody knows whom to trust.
    const isFirst = this.#survey === undefined;
    const survey = this.#compare();
    if (isFirst) await survey;
    let failure: unknown = new EndpointFault(
      "wrong chain",
      "All RPC endpoints serve other chains.",
    );
    let tried = 0;
    for (const endpoint of this.#inOrder()) {
      try {
        return await endpoint.request(method, params);
      } catch (error) {
        if (error instanceof AnswerError && isChainsWord(error)) throw error;
        // A node's error says more than an endpoint's silence.
        if (tried === 0 || error instanceof AnswerError) failure = error;
        tried += 1;
      }
    }
    throw failure;
  }

  /** Asks each endpoint for its head now and then, so that one that lags or has come back is known. */
  #compare(): Promise<void> | undefined {
    if (this.#endpoints.length === 1) return undefined;
    const now = this.#timers.monotonic();
    if (this.#survey === undefined || now >= this.#surveyAt + SURVEY_MS) {
      this.#surveyAt = now;
      this.#survey = this.#lookAtAll();
    }
    return this.#survey;
  }

  async #lookAtAll(): Promise<void> {
    const rested = this.#endpoints.filter(({ state, isRested }) => state !== "wrong" && isRested);
    const heads = await Promise.all(
      rested.map(async (endpoint) => {
        try {
          return { endpoint, head: BigInt(String(await endpoint.request("eth_blockNumber", []))) };
        } catch {
          // The endpoint has taken note of it and said so.
          return undefined;
        }
      }),
    );
    const known = heads.filter((each) => each !== undefined);
    const best = known.reduce((most, { head }) => (head > most ? head : most), 0n);
    for (const { endpoint, head } of known) endpoint.judge(best - head, TOLERATED_LAG);
  }

  #inOrder(): Endpoint[] {
    if (this.#endpoints.length === 1) return [...this.#endpoints];
    return this.#endpoints
      .filter(({ state }) => state !== "wrong")
      .sort((a, b) => ORDER[a.state] - ORDER[b.state]);
  }
}

function isChainsWord(error: AnswerError): boolean {
  return error.code === REVERTED || /revert/i.test(error.reason);
}

function checkUrls(rpcUrls: readonly string[]): void {
  if (rpcUrls.length === 0) {
    throw new BlockcloudError("RPC_URL_INVALID", "No RPC endpoint is named.");
  }
  rpcUrls.forEach((url, index) => {
    if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return;
    throw new BlockcloudError(
      "RPC_URL_INVALID",
      `RPC endpoint ${index + 1} of ${rpcUrls.length} has no http:// or https:// URL.`,
    );
  });
}
