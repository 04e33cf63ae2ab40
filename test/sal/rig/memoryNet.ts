import { salError } from "../../../src/sal/errors.ts";
import type { DialTarget, Link, Relayed, Transport } from "../../../src/sal/transport/link.ts";
import type { FakeClock } from "./fakeClock.ts";
import { MemoryLink, type Wire } from "./memoryLink.ts";

/** A network in memory: places where somebody listens, and the connections to them. */
export class MemoryNet implements Transport {
  readonly wire: Wire;
  /** All connections, each as its dialling end. */
  readonly dialled: { near: MemoryLink; far: MemoryLink; target: DialTarget }[] = [];
  /** Places that were dialled, those that refused included. */
  readonly tried: string[] = [];
  /** Called with each new connection. */
  onDial: ((connection: { near: MemoryLink; far: MemoryLink }) => void) | undefined;
  /** What the dialling side asks for, while a place takes its connection: what TLS says before all else. */
  dialling: DialTarget = { host: "", port: 0, serverName: "" };
  /** The dialling side's address. */
  address = "192.0.2.1";
  /** Where a relay sees the two connections that it joins. */
  ends: Relayed = {
    visitor: { address: "8.8.1.1", port: 40_001 },
    self: { address: "8.8.2.2", port: 40_002 },
  };
  /** Places whose network is silent: a dial neither succeeds nor fails. */
  readonly silent = new Set<string>();
  readonly #clock: FakeClock;
  readonly #places = new Map<string, (link: Link) => void>();

  constructor(clock: FakeClock, wire: Wire = { latencyMs: 5, chunk: () => 65_536 }) {
    this.#clock = clock;
    this.wire = wire;
  }

  /** Takes connections to a place, `host:port`; the returned function ends that. */
  listen(place: string, accept: (link: Link) => void): () => void {
    this.#places.set(place, accept);
    return () => {
      if (this.#places.get(place) === accept) this.#places.delete(place);
    };
  }

  /** Connections that are open. */
  get open(): { near: MemoryLink; far: MemoryLink; target: DialTarget }[] {
    return this.dialled.filter(({ near, far }) => !near.isClosed || !far.isClosed);
  }

  /** The connection that was dialled last. */
  get last(): { near: MemoryLink; far: MemoryLink } {
    const last = this.dialled.at(-1);
    if (last === undefined) throw new Error("nothing was dialled");
    return last;
  }

  dial(target: DialTarget, signal: AbortSignal): Promise<Link> {
    return new Promise((resolve, reject) => {
      const place = `${target.host}:${target.port}`;
      this.tried.push(place);
      const settle = () => {
        signal.removeEventListener("abort", abort);
        cancel();
      };
      const abort = () => {
        settle();
        reject(signal.reason as Error);
      };
      const cancel = this.#clock.after(2 * this.wire.latencyMs, () => {
        if (this.silent.has(place)) return;
        settle();
        const accept = this.#places.get(place);
        if (accept === undefined) {
          reject(salError("noPath", `${place} refuses.`));
          return;
        }
        const [near, far] = MemoryLink.pair(this.#clock, this.wire, [this.address, target.host]);
        if (target.isRelay === true) {
          near.relayed = {};
          far.relayed = this.ends;
        }
        this.dialled.push({ near, far, target });
        this.dialling = target;
        accept(far);
        resolve(near);
        this.onDial?.({ near, far });
      });
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort, { once: true });
    });
  }
}
