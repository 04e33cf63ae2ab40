import { createMetrics, type Metrics } from "../../src/node/metrics.ts";
import { peerOf } from "../../src/net/peer.ts";
import { RateLimit } from "../../src/node/rateLimit.ts";
import type { HttpRequest } from "../../src/node/http/httpServer.ts";
import { PreparedResponse } from "../../src/node/http/response.ts";
import { createApp, type App, type Peer } from "../../src/resolver/http/app.ts";
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
  readonly app: App;
  readonly watches: Watches;
  metrics: Metrics;
  /** The client of the requests. */
  peer: Peer = { address: "127.0.0.1", isLocal: true };
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
      take: (request, cost) => rate.take(peerOf(request.socket.remoteAddress), cost),
      now: () => START + timers.monotonic(),
      timers,
      log,
      peerOf: () => this.peer,
    });
  }

  /** Asks, perhaps as another address. */
  async request(
    target: string,
    { method = "GET", headers = {}, body = "" }: Asked = {},
    address = this.peer.address,
  ): Promise<Response> {
    this.peer = { ...this.peer, address };
    const [path = "", query = ""] = target.split("?");
    const request: HttpRequest = {
      ...{ method, path, query, headers },
      socket: { remoteAddress: address },
      signal: new AbortController().signal,
      body: (maxBytes) => Promise.resolve(body.length > maxBytes ? undefined : Buffer.from(body)),
      cut: () => (this.cuts += 1),
    };
    const response = await this.app.handle(request);
    if (response instanceof PreparedResponse) {
      const headers = response.fields.flatMap((name, at, { [at + 1]: value = "" }) =>
        at % 2 === 0 ? [[name, value] as [string, string]] : [],
      );
      return new Response(response.body, { status: response.status, headers });
    }
    const { body: sent, status, headers: fields } = response;
    return new Response(sent ?? null, { status, headers: { ...this.app.headers, ...fields } });
  }
}

interface Asked {
  method?: string;
  /** Names in lower case. */
  headers?: Record<string, string>;
  body?: string;
}
