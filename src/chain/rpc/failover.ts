import { createTransport, type Transport } from "viem";
import { silentLogger, type Logger } from "../../node/logger.ts";
import { systemTimers, wallSeconds, type Timers } from "../../node/timers.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { Endpoint, type EndpointState, type RpcObserver } from "./endpoint.ts";
import { AnswerError, EndpointFault, RevertError } from "./faults.ts";
import { impossibleHeads, type ChainOrigin } from "./heads.ts";

/** A request may take this long, milliseconds: with another endpoint to go to, and with none. */
const TIMEOUT_MS = { one: 10_000, several: 5_000 };
/** How often the heads of several endpoints are compared, milliseconds. */
const SURVEY_MS = 5_000;
/** Blocks by which a head may be behind the best one. */
const TOLERATED_LAG = 3n;
/** From the first to use to the last to try; one with an impossible head is only asked for another. */
const ORDER: Record<EndpointState, number> = {
  up: 0,
  lagging: 1,
  down: 2,
  impossible: 3,
  wrong: 4,
};
/** How often all endpoints are asked for the same before a request has failed. */
const ROUNDS = 3;
/** Longest that a request waits for an endpoint that has failed, milliseconds, in all of its rounds. */
const WAIT_MS = 10_000;
/** Pause before a node that failed for once is asked again, milliseconds; longer each time. */
const PAUSE_MS = 250;
/** Codes with which nodes say that they failed for once: JSON-RPC's internal error, and Anvil's. */
const TRANSIENT_CODES: readonly number[] = [-32_603, -1];

export interface FailoverDependencies {
  timers?: Timers | undefined;
  log?: Logger | undefined;
  observer?: RpcObserver | undefined;
  /** Where the deployment begins: no head can be further from it than there was time for. */
  origin?: ChainOrigin | undefined;
  /** Unix seconds by this machine's clock; no endpoint is believed to be ahead of it alone. */
  wall?: (() => number) | undefined;
}

/**
 * A transport over several endpoints of one chain: the first one that is well answers, in the order given.
 * One that fails is left alone for a while, one that lags until it has caught up, one of another chain or
 * with a head that cannot be until it says otherwise. Where none is well the others are tried all the same,
 * after a pause, rather than none.
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
      // Repeated here, where it is known which endpoint asks for a pause.
      retryCount: 0,
    });
}

/** The endpoints, and who of them is asked. */
export class EndpointSet {
  readonly #endpoints: readonly Endpoint[];
  readonly #d: Pick<FailoverDependencies, "origin"> & { wall: () => number };
  readonly #timers: Timers;
  #survey: Promise<void> | undefined;
  #surveyAt = 0;

  constructor(rpcUrls: readonly string[], chainId: number, dependencies: FailoverDependencies) {
    checkUrls(rpcUrls);
    const { timers = systemTimers, log = silentLogger, observer } = dependencies;
    this.#timers = timers;
    this.#d = { origin: dependencies.origin, wall: dependencies.wall ?? wallSeconds };
    const timeoutMs = rpcUrls.length === 1 ? TIMEOUT_MS.one : TIMEOUT_MS.several;
    this.#endpoints = rpcUrls.map(
      (url, index) =>
        new Endpoint({ url, place: index + 1, chainId, timeoutMs }, { timers, log, observer }),
    );
  }

  /** Asks the endpoints in turn until one answers, and again after a pause where that may help. */
  async request(method: string, params: unknown): Promise<unknown> {
    // Only the first comparison is waited for: before it nobody knows whom to trust.
    const isFirst = this.#survey === undefined;
    const survey = this.#compare();
    if (isFirst) await survey;
    const giveUpAt = this.#timers.monotonic() + WAIT_MS;
    for (let round = 1; ; round++) {
      try {
        return await this.#askAll(await this.#askable(giveUpAt), method, params);
      } catch (error) {
        const isLate = this.#timers.monotonic() >= giveUpAt;
        if (round === ROUNDS || isLate || !mayPass(error)) throw error;
        // An endpoint that does not answer has a pause of its own.
        if (error instanceof AnswerError) await this.#timers.sleep(PAUSE_MS * round, never);
      }
    }
  }

  async #askAll(endpoints: readonly Endpoint[], method: string, params: unknown): Promise<unknown> {
    let failure: unknown;
    let isAbsent = false;
    for (const endpoint of endpoints) {
      try {
        const result = await endpoint.request(method, params);
        // Another one may have the blocks that this one has thrown away, or not heard of.
        if (result !== null || method !== "eth_getBlockByNumber") return result;
        isAbsent = true;
      } catch (error) {
        if (error instanceof RevertError) throw error;
        // A node's error says more than an endpoint's silence.
        if (failure === undefined || error instanceof AnswerError) failure = error;
      }
    }
    if (isAbsent) return null;
    throw failure;
  }

  /**
   * Those that may answer, the best first. An endpoint that has failed is left alone for a moment also where
   * there is no other to go to.
   *
   * @throws EndpointFault the last one, where none may be asked before a moment.
   */
  async #askable(giveUpAt: number): Promise<Endpoint[]> {
    const usable = this.#endpoints.filter(({ state }) => state !== "impossible");
    const left = Math.min(...usable.map((each) => each.urgentAt), giveUpAt);
    const pause = left - this.#timers.monotonic();
    if (usable.length > 0 && pause > 0) await this.#timers.sleep(pause, never);
    const now = this.#timers.monotonic();
    const askable = usable.filter((each) => now >= each.urgentAt);
    const fault = usable[0]?.lastFault ?? NONE;
    if (askable.length === 0) throw fault;
    return askable.sort((a, b) => ORDER[a.state] - ORDER[b.state]);
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
    const heads = await Promise.all(
      this.#endpoints
        .filter(({ isRested }) => isRested)
        .map(async (endpoint) => {
          try {
            const head = await endpoint.request("eth_getBlockByNumber", ["latest", false]);
            return head === null ? undefined : { endpoint, ...readHead(head) };
          } catch {
            // The endpoint has taken note of it and said so.
            return undefined;
          }
        }),
    );
    const known = heads.filter((each) => each !== undefined);
    const impossible = impossibleHeads(known, this.#d.origin, this.#d.wall());
    const best = known
      .filter((head) => !impossible.has(head))
      .reduce((most, { number }) => (number > most ? number : most), 0n);
    for (const head of known) {
      const behind = impossible.has(head) ? "impossible" : best - head.number;
      head.endpoint.judge(behind, TOLERATED_LAG);
    }
  }
}

const never = new AbortController().signal;
const NONE = new EndpointFault(
  "malformed",
  "No RPC endpoint shows a head that the chain can have.",
);

function readHead(block: unknown): { number: bigint; timestamp: number } {
  const { number, timestamp } = block as { number: string; timestamp: string };
  return { number: BigInt(number), timestamp: Number(timestamp) };
}

/** Whether the same request may be answered a moment later. */
function mayPass(error: unknown): boolean {
  if (error instanceof EndpointFault) return error.kind !== "wrong chain";
  return error instanceof AnswerError && TRANSIENT_CODES.includes(error.nodeCode);
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
