import type { AddressInfo } from "node:net";
import { isIP } from "node:net";
import { ownAddresses } from "../../node/interfaces.ts";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { Endpoint } from "../../protocol/record.ts";
import type { Gateways } from "../gateway/gateways.ts";
import type { ProviderStore } from "../store.ts";

/** Interval between checks of the host's own addresses, milliseconds. */
const LOOK_MS = 1_000;

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
}

/**
 * The current endpoints of a service: the address to which a command moved it, else the address in its flags,
 * else the address that its gateway listens on, which follows the host's addresses.
 */
export class Whereabouts {
  readonly #configured: string | undefined;
  readonly #rank: Pick<Endpoint, "priority" | "weight">;
  readonly #dependencies: WhereaboutsDependencies;
  #moved: string | undefined;
  #done = 0;
  #own: string[] = [];
  #lookedAt = -Infinity;

  /**
   * @param options.configured URL at which clients reach the gateway; undefined for the address that it
   *   listens on.
   * @param options.rank Priority of the first endpoint, the others follow; and the weight of each.
   */
  constructor(
    options: {
      configured: string | undefined;
      rank?: Pick<Endpoint, "priority" | "weight"> | undefined;
    },
    dependencies: WhereaboutsDependencies,
  ) {
    this.#configured = options.configured;
    this.#rank = options.rank ?? { priority: 0, weight: 1 };
    this.#dependencies = dependencies;
  }

  /** The endpoints for the next record. */
  endpoints(): Endpoint[] {
    const told = this.#moved ?? this.#configured;
    const uris = told === undefined ? this.#listening() : [told];
    const sal = uris.flatMap((uri) => salEndpointOf(uri) ?? []);
    const all = [...uris, ...sal];
    const { priority, weight } = this.#rank;
    return all.map((uri, place) => ({ uri, priority: priority + place, weight }));
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
    let graceMs: number | undefined;
    try {
      if (move.listen !== undefined) graceMs = await gateways.moveTo(move.listen, move.graceMs);
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
    const { address, port } = this.#dependencies.gateways.address;
    return this.#reachable(address).map((each) => `http://${bracketed(each)}:${port}`);
  }

  /** A gateway that listens on all addresses is reached at the host's own addresses. */
  #reachable(address: AddressInfo["address"]): string[] {
    if (address !== "0.0.0.0" && address !== "::") return [address];
    const { timers, addresses = ownAddresses } = this.#dependencies;
    if (timers.monotonic() - this.#lookedAt >= LOOK_MS) {
      this.#lookedAt = timers.monotonic();
      const own = addresses().filter((each) => address === "::" || isIP(each) === 4);
      // Without a network the previous addresses are the best answer.
      if (own.length > 0) this.#own = own;
    }
    return this.#own.length > 0 ? this.#own : ["127.0.0.1"];
  }
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

function bracketed(address: string): string {
  return isIP(address) === 6 ? `[${address}]` : address;
}
