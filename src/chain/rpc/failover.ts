import { createTransport, type Transport } from "viem";
import { silentLogger, type Logger } from "../../node/logger.ts";
import { systemTimers, wallSeconds, type Timers } from "../../node/timers.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { Endpoint, type EndpointState, type RpcObserver } from "./endpoint.ts";
import { AnswerError, EndpointFault, RevertError } from "./faults.ts";
import { impossibleHeads, type ChainOrigin } from "./heads.ts";

/** Time limit of a request, milliseconds: with and without another endpoint to try. */
const TIMEOUT_MS = { one: 10_000, several: 5_000 };
/** Interval between comparisons of the endpoints' heads, milliseconds. */
const SURVEY_MS = 5_000;
/** Maximum lag of a head behind the best one, blocks. */
const TOLERATED_LAG = 3n;
/** States in the order of use; an endpoint with an impossible head is only asked for its head again. */
const ORDER: Record<EndpointState, number> = {
  up: 0,
  lagging: 1,
  down: 2,
  impossible: 3,
  wrong: 4,
};
/** Number of rounds over all endpoints before a request fails. */
const ROUNDS = 3;
/** Maximum total wait of a request for failed endpoints, milliseconds. */
const WAIT_MS = 10_000;
/** Pause before a node with a temporary error is asked again, milliseconds; it grows. */
const PAUSE_MS = 250;
/** Codes of temporary errors: JSON-RPC's internal error, and Anvil's. */
const TRANSIENT_CODES: readonly number[] = [-32_603, -1];

export interface FailoverDependencies {
  timers?: Timers | undefined;
  log?: Logger | undefined;
  observer?: RpcObserver | undefined;
  /** The start of the deployment, which bounds the possible heads. */
  origin?: ChainOrigin | undefined;
  /** Unix seconds by this machine's clock; a single endpoint that is ahead of it is not trusted. */
  wall?: (() => number) | undefined;
}

/**
 * A transport over several endpoints of one chain: it uses the first working one, in the given order. A failing
 * endpoint is not used for a while, a lagging one until it has caught up, and one of another chain or with an
 * impossible head until this changes. If none works, the others are tried after a pause.
 *
 * @throws BlockcloudError `RPC_URL_INVALID`, with the place of the URL in the list instead of the URL, which may
 * contain a key.
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
      // Retries happen here, where the endpoint's requested pause is known.
      retryCount: 0,
    });
}

/** The endpoints, and the choice among them. */
export class EndpointSet {
  readonly #endpoints: readonly Endpoint[];
  readonly #origin: FailoverDependencies["origin"];
  readonly #wall: () => number;
  readonly #timers: Timers;
  #survey: Promise<void> | undefined;
  #surveyAt = 0;

  constructor(rpcUrls: readonly string[], chainId: number, dependencies: FailoverDependencies) {
    checkUrls(rpcUrls);
    const { timers = systemTimers, log = silentLogger, observer } = dependencies;
    this.#timers = timers;
    this.#origin = dependencies.origin;
    this.#wall = dependencies.wall ?? wallSeconds;
    const timeoutMs = rpcUrls.length === 1 ? TIMEOUT_MS.one : TIMEOUT_MS.several;
    this.#endpoints = rpcUrls.map(
      (url, index) =>
        new Endpoint({ url, place: index + 1, chainId, timeoutMs }, { timers, log, observer }),
    );
  }

  /** Tries the endpoints in turn until one answers, and again after a pause if that may help. */
  async request(method: string, params: unknown): Promise<unknown> {
    // Only the first comparison is awaited, because before it no endpoint is trusted.
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
        // An unanswering endpoint has its own pause.
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
        // Another one may have blocks that this one has dropped or does not know yet.
        if (result !== null || method !== "eth_getBlockByNumber") return result;
        isAbsent = true;
      } catch (error) {
        if (error instanceof RevertError) throw error;
        // A node's error is more specific than a missing answer.
        if (failure === undefined || error instanceof AnswerError) failure = error;
      }
    }
    if (isAbsent) return null;
    throw failure;
  }

  /**
   * The usable endpoints, the best first. A failed endpoint gets a short pause even if there is no other.
   *
   * @throws EndpointFault the last fault, if no endpoint may be used before its pause ends.
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

  /** Reads each endpoint's head regularly, to find endpoints that lag or have recovered. */
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
            // The endpoint has recorded and logged the fault.
            return undefined;
          }
        }),
    );
    const known = heads.filter((each) => each !== undefined);
    const impossible = impossibleHeads(known, this.#origin, this.#wall());
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
const NONE = new EndpointFault("malformed", "No RPC endpoint has a head that the chain can have.");

function readHead(block: unknown): { number: bigint; timestamp: number } {
  const { number, timestamp } = block as { number: string; timestamp: string };
  return { number: BigInt(number), timestamp: Number(timestamp) };
}

/** Whether the same request may succeed later. */
function mayPass(error: unknown): boolean {
  if (error instanceof EndpointFault) return error.kind !== "wrong chain";
  return error instanceof AnswerError && TRANSIENT_CODES.includes(error.nodeCode);
}

function checkUrls(rpcUrls: readonly string[]): void {
  if (rpcUrls.length === 0) {
    throw new BlockcloudError("RPC_URL_INVALID", "No RPC endpoint is given.");
  }
  rpcUrls.forEach((url, index) => {
    if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return;
    throw new BlockcloudError(
      "RPC_URL_INVALID",
      `RPC endpoint ${index + 1} of ${rpcUrls.length} has no http:// or https:// URL.`,
    );
  });
}
