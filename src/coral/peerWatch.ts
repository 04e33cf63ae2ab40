import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";

/** After this time without a peer, a node counts as alone, milliseconds: connections take a moment. */
export const ALONE_MS = 10_000;
/** Interval between looks at the peers, milliseconds. */
const LOOK_MS = 1_000;

/** The remedy for a node without a peer. */
export const PEERLESS_REMEDY =
  "Name bootstrap nodes with --coral-bootstrap, and let this host reach them; until then services are found by their announcements on chain only. The first node of a network has no peer until another node joins.";

/**
 * Notices that a node has had no peer for a while. It warns once with the remedy, and says once that there are peers
 * again.
 */
export class PeerWatch implements Startable {
  readonly #network: { readonly peers: number };
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #isAlone = false;
  /** When a peer was last seen, monotonic milliseconds; at first the time of the start. */
  #seenAt = 0;

  constructor(
    network: { readonly peers: number },
    { timers, log }: { timers: Timers; log: Logger },
  ) {
    this.#network = network;
    this.#timers = timers;
    this.#log = log;
  }

  /** Whether there has been no peer for a while. */
  get alone(): boolean {
    return this.#isAlone && this.#network.peers === 0;
  }

  start(): Promise<void> {
    this.#seenAt = this.#timers.monotonic();
    this.#loop = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#look();
      // The sleep is aborted only when the node stops.
      await this.#timers.sleep(LOOK_MS, signal).catch(() => undefined);
    }
  }

  #look(): void {
    const { peers } = this.#network;
    const now = this.#timers.monotonic();
    if (peers > 0) this.#seenAt = now;
    const isAlone = now - this.#seenAt >= ALONE_MS;
    if (isAlone === this.#isAlone) return;
    this.#isAlone = isAlone;
    if (isAlone) {
      this.#log.warn("no peer of the record network is connected", {
        peers: 0,
        remedy: PEERLESS_REMEDY,
      });
    } else this.#log.info("peers of the record network are connected again", { peers });
  }
}
