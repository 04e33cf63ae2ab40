import { isIP, type AddressInfo } from "node:net";
import { ownAddresses } from "../../node/interfaces.ts";
import type { Timers } from "../../node/timers.ts";

/** Interval between checks of the host's own addresses, milliseconds. */
const LOOK_MS = 1_000;

/** Where other hosts reach a server: one that listens on all addresses, at the host's own addresses. */
export class ReachableAddresses {
  readonly #timers: Timers;
  readonly #read: () => string[];
  #own: string[] = [];
  #lookedAt = -Infinity;

  /** @param dependencies.addresses The host's own addresses. */
  constructor(dependencies: { timers: Timers; addresses?: (() => string[]) | undefined }) {
    this.#timers = dependencies.timers;
    this.#read = dependencies.addresses ?? ownAddresses;
  }

  /** `host:port` of each address at which a listening server is reached. */
  at({ address, port }: AddressInfo): string[] {
    return this.#hosts(address).map((host) => `${isIP(host) === 6 ? `[${host}]` : host}:${port}`);
  }

  #hosts(address: string): string[] {
    if (address !== "0.0.0.0" && address !== "::") return [address];
    if (this.#timers.monotonic() - this.#lookedAt >= LOOK_MS) {
      this.#lookedAt = this.#timers.monotonic();
      const own = this.#read().filter((each) => address === "::" || isIP(each) === 4);
      // Without a network the previous addresses are the best answer.
      if (own.length > 0) this.#own = own;
    }
    return this.#own.length > 0 ? this.#own : ["127.0.0.1"];
  }
}
