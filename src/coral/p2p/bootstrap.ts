import type { Libp2p } from "libp2p";
import { multiaddr, type Multiaddr } from "@multiformats/multiaddr";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { BlockcloudError } from "../../protocol/errors.ts";

/** Delay before a lost connection is dialled again, milliseconds. */
const FIRST_MS = 1_000;
/** Longest delay between two dials of an unreachable node, milliseconds. */
const LONGEST_MS = 60_000;

interface Target {
  address: Multiaddr;
  /** When the node may be dialled next, by the monotonic clock. */
  at: number;
  /** Delay after the next failure, milliseconds. */
  wait: number;
}

/**
 * Keeps a node connected to its bootstrap nodes. libp2p's own bootstrap dials them once, so a node that loses
 * all connections would stay isolated.
 */
export class Bootstrap implements Startable {
  readonly #targets: Target[];
  readonly #libp2p: Pick<Libp2p, "dial" | "getConnections">;
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  readonly #tried = Promise.withResolvers<undefined>();
  #loop: Promise<void> = Promise.resolve();

  constructor(
    addresses: readonly Multiaddr[],
    dependencies: {
      libp2p: Pick<Libp2p, "dial" | "getConnections">;
      timers: Timers;
      log: Logger;
    },
  ) {
    this.#targets = addresses.map((address) => ({ address, at: -Infinity, wait: FIRST_MS }));
    this.#libp2p = dependencies.libp2p;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
  }

  /** Does not wait for a connection. */
  start(): Promise<void> {
    if (this.#targets.length > 0) this.#loop = this.#run();
    else this.#tried.resolve(undefined);
    return Promise.resolve();
  }

  /**
   * Settles when the node is connected to one of them for the first time, or when all first dials have
   * failed.
   */
  get tried(): Promise<undefined> {
    return this.#tried.promise;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await Promise.all(this.#targets.map((target) => this.#join(target)));
      this.#tried.resolve(undefined);
      try {
        await this.#timers.sleep(FIRST_MS, signal);
      } catch {
        // The sleep is aborted only when the node stops.
        return;
      }
    }
  }

  async #join(target: Target): Promise<void> {
    const { address } = target;
    if (this.#timers.monotonic() < target.at || this.#isConnected(address)) return;
    try {
      await this.#libp2p.dial(address, { signal: this.#stopping.signal });
      target.wait = FIRST_MS;
      this.#tried.resolve(undefined);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      target.at = this.#timers.monotonic() + target.wait;
      target.wait = Math.min(2 * target.wait, LONGEST_MS);
      this.#log.debug("cannot join the record network", { address: address.toString(), error });
    }
  }

  #isConnected(address: Multiaddr): boolean {
    const peer = peerOf(address);
    return this.#libp2p
      .getConnections()
      .some(({ remotePeer, remoteAddr }) =>
        peer === undefined
          ? `${remoteAddr.toString()}/`.startsWith(`${address.toString()}/`)
          : remotePeer.toString() === peer,
      );
  }
}

/** The forms of addresses that a node's only transport can use, by the names of their parts. */
const OVER_TCP = /^(?:(?:ip6zone )?ip6|ip4|dns|dns4|dns6) tcp(?: p2p)?$|^dnsaddr(?: p2p)?$/;
/** The ID of a node: base58, or a CID. */
const NODE_ID = /^(?:(?:1|Qm)[1-9A-HJ-NP-Za-km-z]{40,60}|[bkz][0-9A-Za-z]{40,80})$/;

/**
 * Reads multiaddrs. One that this node could never use is refused here: later, each dial would fail without a word.
 *
 * @throws BlockcloudError `CORAL_ADDRESS_INVALID`.
 */
export function parseMultiaddrs(texts: readonly string[]): Multiaddr[] {
  return texts.map((text) => {
    try {
      const address = multiaddr(text);
      const parts = address.getComponents();
      const id = peerOf(address);
      if (!OVER_TCP.test(parts.map(({ name }) => name).join(" "))) throw new Error("not over TCP");
      if (id !== undefined && !NODE_ID.test(id)) throw new Error("not a node's ID");
      return address;
    } catch (cause) {
      throw new BlockcloudError(
        "CORAL_ADDRESS_INVALID",
        `Not a multiaddr over TCP: ${text.slice(0, 200)}.`,
        {
          cause,
          remedy: "Give one such as /ip4/203.0.113.7/tcp/4170/p2p/12D3KooW...",
        },
      );
    }
  });
}

function peerOf(address: Multiaddr): string | undefined {
  return address.getComponents().findLast(({ name }) => name === "p2p")?.value;
}
