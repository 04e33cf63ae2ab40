import { isReachable } from "../../net/addresses.ts";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { Endpoint } from "../../protocol/record.ts";
import type { Gateways } from "../gateway/gateways.ts";
import type { ProviderStore } from "../store.ts";
import { ReachableAddresses } from "./reachable.ts";

/** A move that was followed. */
export interface FollowedMove {
  id: number;
  /** How long the old gateway stays open, milliseconds; undefined if the gateway did not move. */
  graceMs: number | undefined;
}

export interface WhereaboutsDependencies {
  gateways: Pick<Gateways, "address" | "moveTo">;
  store: Pick<ProviderStore, "move" | "takeMove" | "concludeMove">;
  timers: Timers;
  /** The host's clock, Unix milliseconds. */
  now: () => number;
  log: Logger;
  /** The host's own addresses. */
  addresses?: () => string[];
  /** Endpoints of relays; if there are any, addresses that no stranger reaches are not published beside them. */
  relays?: { endpoints(): string[] } | undefined;
}

/**
 * The current endpoints of a service: the address to which a command moved it, else the address in its flags,
 * else the address that its gateway listens on, which follows the host's addresses.
 */
export class Whereabouts {
  readonly #configured: string | undefined;
  readonly #rank: Pick<Endpoint, "priority" | "weight">;
  readonly #dependencies: WhereaboutsDependencies;
  readonly #reachable: ReachableAddresses;
  #moved: string | undefined;
  #done = 0;
  #inherited: number;

  /**
   * @param options.configured URL at which clients reach the gateway; undefined for the address that it
   *   listens on.
   * @param options.followed The move that the process before has followed: this one listens at its place already.
   * @param options.rank Priority of the first endpoint, the others follow; and the weight of each.
   */
  constructor(
    options: {
      configured: string | undefined;
      rank?: Pick<Endpoint, "priority" | "weight"> | undefined;
      followed?: number | undefined;
    },
    dependencies: WhereaboutsDependencies,
  ) {
    this.#configured = options.configured;
    this.#rank = options.rank ?? { priority: 0, weight: 1 };
    this.#dependencies = dependencies;
    this.#inherited = options.followed ?? 0;
    this.#reachable = new ReachableAddresses(dependencies);
  }

  /** The endpoints for the next record. */
  endpoints(): Endpoint[] {
    const told = this.#moved ?? this.#configured;
    const uris = told === undefined ? this.#listening() : [told];
    const sal = uris.flatMap((uri) => salEndpointOf(uri) ?? []);
    const all = [...uris, ...sal, ...(this.#dependencies.relays?.endpoints() ?? [])];
    const { priority, weight } = this.#rank;
    return all.map((uri, place) => ({ uri, priority: priority + place, weight }));
  }

  /** The move that was followed last; 0: none. */
  get followed(): number {
    return this.#done || this.#inherited;
  }

  /**
   * Follows the last requested move, once.
   *
   * @returns The move, if there was a new one.
   */
  async follow(): Promise<FollowedMove | undefined> {
    const { store, gateways, log, now } = this.#dependencies;
    const move = store.move(now());
    if (move === undefined) {
      this.#moved = undefined;
      this.#done = 0;
      return undefined;
    }
    if (move.id === this.#done) return undefined;
    // Withdrawn since it was read: then the store has changed, and is read again.
    if (!store.takeMove(move.id)) return undefined;
    const before = this.#done;
    this.#done = move.id;
    const isThere = move.id === this.#inherited;
    this.#inherited = 0;
    let graceMs: number | undefined;
    try {
      if (move.listen !== undefined && !isThere)
        graceMs = await gateways.moveTo(move.listen, move.graceMs);
    } catch (error) {
      const { code, message } =
        error instanceof BlockcloudError ? error : { code: "MOVE_FAILED", message: String(error) };
      log.warn("cannot move", { error });
      store.concludeMove(move.id, { code, message, again: false });
      // The move before is in force, and was followed.
      this.#done = before;
      return undefined;
    }
    // If the gateway moved, the URL in the flags is the old address.
    this.#moved = move.uri ?? this.#listening()[0];
    log.info("moving", { to: this.#moved, instead: this.#configured });
    return { id: move.id, graceMs };
  }

  #listening(): string[] {
    const { gateways, relays } = this.#dependencies;
    const uris = this.#reachable.at(gateways.address).map((at) => `http://${at}`);
    if (relays === undefined) return uris;
    return uris.filter((uri) => isReachable(hostOf(uri), false));
  }
}

function hostOf(uri: string): string {
  return new URL(uri).hostname.replace(/^\[|\]$/g, "");
}

/**
 * The endpoint for the SAL at a gateway's URL: the same host and port. Undefined for https, which a proxy in front of
 * the gateway speaks: TLS of the SAL ends at the gateway itself.
 */
function salEndpointOf(uri: string): string | undefined {
  const { protocol, host, hostname, port } = new URL(uri);
  if (protocol !== "http:") return undefined;
  return `sal://${port === "" ? `${hostname}:80` : host}`;
}
