import type { Hono } from "hono";
import { createMetrics, type Metrics } from "../../src/node/metrics.ts";
import { RateLimit } from "../../src/node/rateLimit.ts";
import { createApp, type Peer } from "../../src/resolver/http/app.ts";
import { BoundedLookup } from "../../src/resolver/lookup/boundedLookup.ts";
import type { HttpObserver } from "../../src/resolver/http/observer.ts";
import { Watches, type WatchLimits } from "../../src/resolver/http/watches.ts";
import { FakeResolver } from "./fakeResolver.ts";
import { FakeTimers } from "./fakeTime.ts";
import { MemoryLog } from "./memoryLog.ts";

/** When the rig's time begins, Unix milliseconds; `answerOf` leases run for a minute from here. */
const START = 1_700_000_000_000;

/** The HTTP front's routes without a server, on a resolver and timers that a test drives. */
export class HttpRig {
  readonly resolver = new FakeResolver();
  readonly timers = new FakeTimers();
  readonly log = new MemoryLog();
  readonly counted: string[] = [];
  readonly app: Hono;
  readonly watches: Watches;
  metrics: Metrics;
  /** Who asks. */
  peer: Omit<Peer, "cut"> = { network: "127.0.0.1", isLoopback: true };
  /** Connections that were ended. */
  cuts = 0;

  constructor(given: { metrics?: Metrics; watches?: Partial<WatchLimits> } = {}) {
    const { resolver, timers, log } = this;
    this.metrics = given.metrics ?? createMetrics("resolver");
    const observer: HttpObserver = {
      answered: (status) => this.counted.push(String(status)),
      watches: (open) => this.counted.push(`${open} watch`),
      cut: () => this.counted.push("cut"),
    };
    const lookup = new BoundedLookup(resolver, { milliseconds: 10_000, timers });
    this.watches = new Watches(
      {
        maxWatches: 4,
        maxPerPeer: 2,
        heartbeatMs: 15_000,
        maxWaitingBytes: 16_384,
        ...given.watches,
      },
      { resolver, lookup, timers, observer },
    );
    const rate = new RateLimit({ perSecond: 50, burst: 100, maxPeers: 10 }, () =>
      timers.monotonic(),
    );
    this.app = createApp({
      lookup,
      watches: this.watches,
      metrics: this.metrics,
      observer,
      take: (network, cost) => rate.take(network, cost),
      now: () => START + timers.monotonic(),
      timers,
      log,
      peerOf: () => ({ ...this.peer, cut: () => (this.cuts += 1) }),
    });
  }

  /** Asks, perhaps as another address. */
  async request(
    path: string,
    init: RequestInit = {},
    network = this.peer.network,
  ): Promise<Response> {
    this.peer = { ...this.peer, network };
    return this.app.request(path, init);
  }
}
