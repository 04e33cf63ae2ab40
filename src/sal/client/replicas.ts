import type { ClientSession } from "./clientSession.ts";
import type { Located } from "./locator.ts";

/** Most sessions with the instances of one service. */
const MAX_REPLICAS = 8;
/** How long an endpoint is passed over at which no session could begin, milliseconds. */
const SHUN_MS = 10_000;
/** Endpoints that are remembered: those of some records. */
const MAX_KNOWN = 64;

/**
 * A client's sessions with the instances of one service. Each new flow draws an endpoint by weight, and takes the
 * session there. If there is none yet, one begins in the background, and the flow takes a session that is ready: no flow
 * waits for another replica, and none for a dead one.
 */
export class Replicas {
  readonly sessions = new Set<ClientSession>();
  /** The instance that was met at an endpoint: one instance may have several endpoints. */
  readonly #instances = new Map<string, string>();
  /** Until when an endpoint is passed over, monotonic milliseconds. */
  readonly #shunned = new Map<string, number>();
  readonly #beginning = new Set<string>();

  /** Sessions that take new flows. */
  get open(): ClientSession[] {
    return [...this.sessions].filter(({ isOpen, isAstray }) => isOpen && !isAstray);
  }

  /** Whether nothing is known or begun that a later flow needs. */
  get isIdle(): boolean {
    return this.sessions.size === 0 && this.#beginning.size === 0;
  }

  /**
   * The session for a new flow; undefined if no session is ready.
   *
   * @param located Its endpoints are in an order that was drawn.
   * @param begin Begins a session at an endpoint.
   */
  choose(
    { endpoints }: Located,
    now: number,
    begin: (endpoint: string) => void,
  ): ClientSession | undefined {
    const { open } = this;
    const drawn = endpoints.find((uri) => now >= (this.#shunned.get(uri) ?? -Infinity));
    if (open.length === 0 || drawn === undefined) return leastBusy(open);
    const met = this.#instances.get(drawn);
    const there = open.find(({ endpoint, instance }) => endpoint === drawn || instance === met);
    if (there !== undefined) return there;
    const isFull = open.length + this.#beginning.size >= MAX_REPLICAS;
    if (!isFull && !this.#beginning.has(drawn)) begin(drawn);
    return leastBusy(open);
  }

  /** A session begins at an endpoint; `end` tells how that went. */
  begin(endpoint: string): { end(isPossible: boolean, now: number): void } {
    this.#beginning.add(endpoint);
    return {
      end: (isPossible, now) => {
        this.#beginning.delete(endpoint);
        if (isPossible) this.#shunned.delete(endpoint);
        else keep(this.#shunned, endpoint, now + SHUN_MS);
      },
    };
  }

  /** An endpoint leads to an instance; returns whether a session with it is ready. */
  met(endpoint: string, instance: string): boolean {
    keep(this.#instances, endpoint, instance);
    return this.open.some((session) => session.instance === instance);
  }
}

function leastBusy(sessions: readonly ClientSession[]): ClientSession | undefined {
  let least = sessions[0];
  for (const each of sessions) if (each.flows < (least?.flows ?? 0)) least = each;
  return least;
}

/** The oldest entry makes room. */
function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > MAX_KNOWN && oldest !== undefined) map.delete(oldest);
}
