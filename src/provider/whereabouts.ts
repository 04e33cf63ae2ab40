import type { AddressInfo } from "node:net";
import { isIP } from "node:net";
import { ownAddresses } from "../node/interfaces.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { Endpoint } from "../protocol/record.ts";
import type { Gateways } from "./gateways.ts";
import type { ProviderStore } from "./store.ts";

/** How often the machine's own addresses are looked at, milliseconds. */
const LOOK_MS = 1_000;

export interface WhereaboutsDependencies {
  gateways: Pick<Gateways, "address" | "moveTo">;
  store: Pick<ProviderStore, "move" | "concludeMove">;
  timers: Timers;
  log: Logger;
  /** The machine's own addresses. */
  addresses?: () => string[];
}

/**
 * Where a service can be reached at the moment: where a command moved it to, else where its flags say, else
 * where its gateway listens, which changes when the machine's addresses do.
 */
export class Whereabouts {
  readonly #configured: string | undefined;
  readonly #d: WhereaboutsDependencies;
  #moved: string | undefined;
  #done = 0;
  #own: string[] = [];
  #lookedAt = -Infinity;

  /** @param options.configured URL at which clients reach the gateway; undefined: where it listens. */
  constructor(options: { configured: string | undefined }, dependencies: WhereaboutsDependencies) {
    this.#configured = options.configured;
    this.#d = dependencies;
  }

  /** What the record says now. */
  endpoints(): Endpoint[] {
    const told = this.#moved ?? this.#configured;
    const uris = told === undefined ? this.#listening() : [told];
    return uris.map((uri, priority) => ({ uri, priority, weight: 1 }));
  }

  /**
   * Follows the last move that a command asked for, once.
   *
   * @returns The move's ID when there was a new one.
   */
  async follow(): Promise<number | undefined> {
    const { store, gateways, log } = this.#d;
    const move = store.move();
    if (move === undefined) {
      this.#moved = undefined;
      this.#done = 0;
      return undefined;
    }
    if (move.id === this.#done) return undefined;
    this.#done = move.id;
    try {
      if (move.listen !== undefined) await gateways.moveTo(move.listen);
    } catch (error) {
      const { code, message } =
        error instanceof BlockcloudError ? error : { code: "MOVE_FAILED", message: String(error) };
      log.warn("cannot move", { error });
      store.concludeMove(move.id, { code, message });
      return undefined;
    }
    // Where the gateway moved, the flags' URL is that of the old place.
    this.#moved = move.uri ?? this.#listening()[0];
    log.info("moving", { to: this.#moved, instead: this.#configured });
    return move.id;
  }

  #listening(): string[] {
    const { address, port } = this.#d.gateways.address;
    return this.#reachable(address).map((each) => `http://${bracketed(each)}:${port}`);
  }

  /** A gateway that listens everywhere is reached at the machine's own addresses. */
  #reachable(address: AddressInfo["address"]): string[] {
    if (address !== "0.0.0.0" && address !== "::") return [address];
    const { timers, addresses = ownAddresses } = this.#d;
    if (timers.monotonic() - this.#lookedAt >= LOOK_MS) {
      this.#lookedAt = timers.monotonic();
      const own = addresses().filter((each) => address === "::" || isIP(each) === 4);
      // Without a network there is nothing better to say than what was so before.
      if (own.length > 0) this.#own = own;
    }
    return this.#own.length > 0 ? this.#own : ["127.0.0.1"];
  }
}

function bracketed(address: string): string {
  return isIP(address) === 6 ? `[${address}]` : address;
}
