import type { Metrics } from "../node/metrics.ts";
import type { IndexStatus } from "./indexStatus.ts";

/** How the front ended a query. */
export const queryOutcomes = ["answered", "refused", "failed"] as const;
export type QueryOutcome = (typeof queryOutcomes)[number];

/** Metrics of an index, and its health. */
export class IndexerMetrics {
  readonly #head;
  readonly #indexed;
  readonly #restarts;
  readonly #queries;
  #isFailing = false;

  constructor(metrics: Metrics) {
    this.#head = metrics.gauge(
      "blockcloud_indexer_head_block",
      "Newest block of the chain, as the index's endpoint knows it.",
    );
    this.#indexed = metrics.gauge(
      "blockcloud_indexer_indexed_block",
      "Newest block that is in the tables.",
    );
    this.#restarts = metrics.counter(
      "blockcloud_indexer_restarts_total",
      "Times that Ponder ended and was started again.",
    );
    this.#queries = metrics.counter("blockcloud_indexer_queries_total", "Queries by outcome.", {
      outcome: queryOutcomes,
    });
    metrics.health.register("index", () =>
      this.#isFailing ? "Ponder ended, and is started again" : undefined,
    );
  }

  seen({ state, head, indexed }: IndexStatus): void {
    this.#isFailing = state === "failing";
    if (head !== null) this.#head.set(head.block, {});
    if (indexed !== null) this.#indexed.set(indexed.block, {});
  }

  restarted(): void {
    this.#isFailing = true;
    this.#restarts.add(1, {});
  }

  query(outcome: QueryOutcome): void {
    this.#queries.add(1, { outcome });
  }
}
