import type { Metrics } from "../node/metrics.ts";
import { bounds, type Bound } from "./peerBounds.ts";

/** What a client had too much of when its connection was closed. */
export const refusalCauses = ["connections", "unread"] as const;
export type RefusalCause = (typeof refusalCauses)[number];

/** Is told of each connection that a {@link PublicHttpServer} closes at a bound. */
export interface RefusalObserver {
  refused(cause: RefusalCause, bound: Bound): void;
}

/** Counts the connections that the HTTP servers of a process close. */
export class PublicHttpMetrics implements RefusalObserver {
  readonly #refused;

  constructor(metrics: Metrics) {
    this.#refused = metrics.counter(
      "blockcloud_http_connections_refused_total",
      "HTTP connections that were closed at a bound: too many, or too much that was not read.",
      { cause: refusalCauses, bound: bounds },
    );
  }

  refused(cause: RefusalCause, bound: Bound): void {
    this.#refused.add(1, { cause, bound });
  }
}
