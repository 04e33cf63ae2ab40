import type { Metrics } from "../node/metrics.ts";
import type { Arrival } from "./network.ts";
import type { BookObserver } from "./book/recordBook.ts";
import { refusalReasons, type RefusalReason } from "./book/refusal.ts";

const KINDS: readonly Arrival["kind"][] = ["endpoint", "name", "revocation", "dropped"];

/** Metrics of a node of the record network. */
export class CoralMetrics implements BookObserver {
  readonly #arrivals;
  readonly #refusals;
  readonly #cut;
  #peers: () => number | undefined = () => undefined;
  #held: () => { records: number; names: number } | undefined = () => undefined;

  constructor(metrics: Metrics) {
    this.#arrivals = metrics.counter(
      "blockcloud_coral_arrivals_total",
      "Messages taken in as new, and services whose records the registry made invalid (dropped).",
      { kind: KINDS },
    );
    this.#refusals = metrics.counter(
      "blockcloud_coral_refusals_total",
      "Messages refused, by reason; flood: the peer exceeded its rate.",
      { reason: [...refusalReasons, "flood"] },
    );
    this.#cut = metrics.counter(
      "blockcloud_coral_peers_cut_total",
      "Peers that were cut off because of their messages.",
    );
    metrics.gauge("blockcloud_coral_peers", "Connected peers.", {}, () => this.#peers());
    metrics.gauge(
      "blockcloud_coral_records",
      "Endpoint records in memory.",
      {},
      () => this.#held()?.records,
    );
    metrics.gauge(
      "blockcloud_coral_names",
      "Name records in memory.",
      {},
      () => this.#held()?.names,
    );
  }

  /** Sets the node from which the gauges are read. */
  follow(node: {
    readonly peers: number;
    readonly held: { records: number; names: number };
  }): void {
    this.#peers = () => node.peers;
    this.#held = () => node.held;
  }

  arrived(kind: Arrival["kind"]): void {
    this.#arrivals.add(1, { kind });
  }

  refused(reason: RefusalReason | "flood"): void {
    this.#refusals.add(1, { reason });
  }

  cut(): void {
    this.#cut.add(1, {});
  }
}
