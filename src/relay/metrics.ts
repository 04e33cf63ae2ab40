import type { Metrics } from "../node/metrics.ts";
import { alerts, type Alert } from "./alert.ts";

const REFUSALS = [...(Object.keys(alerts) as Alert[]), "flood"];
const RESERVATION_EVENTS = ["made", "refused", "ended"];

/** What the gauges read. */
export interface RelayState {
  readonly reservations: number;
  readonly visitors: number;
  readonly waiting: number;
  readonly queued: number;
}

/** Metrics of a relay. */
export class RelayMetrics {
  readonly #reservations;
  readonly #visitors;
  readonly #refusals;
  readonly #bytes;
  #state: () => RelayState | undefined = () => undefined;

  constructor(metrics: Metrics) {
    this.#reservations = metrics.counter(
      "blockcloud_relay_reservation_events_total",
      "Reservations that were made, refused, or have ended.",
      { event: RESERVATION_EVENTS },
    );
    this.#visitors = metrics.counter(
      "blockcloud_relay_visitors_total",
      "Visitors that were led to a provider which has answered.",
    );
    this.#refusals = metrics.counter(
      "blockcloud_relay_refused_total",
      "Connections that were led nowhere; unknown: no reservation, silent: no answer, flood: too many handshakes.",
      { reason: REFUSALS },
    );
    this.#bytes = metrics.counter(
      "blockcloud_relay_bytes_total",
      "Bytes that were passed on between visitors and providers.",
    );
    const gauge = (name: string, help: string, key: keyof RelayState) => {
      metrics.gauge(name, help, {}, () => this.#state()?.[key]);
    };
    gauge(
      "blockcloud_relay_reservations",
      "Instances of services that can be reached.",
      "reservations",
    );
    gauge("blockcloud_relay_visitors", "Visitors that are led to a provider now.", "visitors");
    gauge(
      "blockcloud_relay_handshakes",
      "Connections that have not said where they lead, or whose provider has not answered.",
      "waiting",
    );
    gauge(
      "blockcloud_relay_queued_bytes",
      "Bytes that wait for the slower sides of connections.",
      "queued",
    );
  }

  /** Sets the relay from which the gauges are read. */
  follow(state: RelayState): void {
    this.#state = () => state;
  }

  reserved(): void {
    this.#reservations.add(1, { event: "made" });
  }

  refusedReservation(): void {
    this.#reservations.add(1, { event: "refused" });
  }

  ended(): void {
    this.#reservations.add(1, { event: "ended" });
  }

  visited(): void {
    this.#visitors.add(1, {});
  }

  refused(reason: Alert | "flood"): void {
    this.#refusals.add(1, { reason });
  }

  carried(bytes: number): void {
    this.#bytes.add(bytes, {});
  }
}
