import { bounds, type Bound } from "../../net/peerBounds.ts";
import type { Metrics } from "../../node/metrics.ts";
import { proxyForms, type ProxyForm } from "./dial.ts";
import { failureCodes } from "./failures.ts";
import type { ProxyObserver } from "./observer.ts";

/** The metrics of a proxy. */
export class ProxyMetrics implements ProxyObserver {
  readonly #opened;
  readonly #open;
  readonly #bytes;
  readonly #refused;
  readonly #connectionsRefused;
  readonly #mappings;
  readonly #mappedOpen;
  readonly #running = new Map<ProxyForm, number>();

  constructor(metrics: Metrics) {
    this.#opened = metrics.counter(
      "blockcloud_proxy_connections_total",
      "Connections that were opened for programs; http: requests that a service has begun to answer.",
      { form: proxyForms },
    );
    this.#open = metrics.gauge(
      "blockcloud_proxy_connections_open",
      "Those of them that have not ended.",
      { form: proxyForms },
    );
    this.#bytes = metrics.counter(
      "blockcloud_proxy_bytes_total",
      "Bytes of connections that have ended; up: from the program. http: those of the bodies.",
      { form: proxyForms, direction: ["up", "down"] },
    );
    this.#refused = metrics.counter(
      "blockcloud_proxy_refused_total",
      "Requests that were refused or failed, by code.",
      { code: failureCodes },
    );
    this.#connectionsRefused = metrics.counter(
      "blockcloud_proxy_connections_refused_total",
      "Connections that were closed at once, by the bound that was reached.",
      { bound: bounds },
    );
    this.#mappings = metrics.gauge(
      "blockcloud_proxy_mappings",
      "Services that have a mapped address.",
    );
    this.#mappedOpen = metrics.gauge(
      "blockcloud_proxy_mapped_addresses_open",
      "Mapped addresses at which the proxy listens.",
    );
    this.mapped(0, 0);
    for (const form of proxyForms) this.#open.set(0, { form });
  }

  opened(form: ProxyForm): void {
    this.#opened.add(1, { form });
    this.#change(form, 1);
  }

  closed(form: ProxyForm, { up, down }: { up: number; down: number }): void {
    this.#bytes.add(up, { form, direction: "up" });
    this.#bytes.add(down, { form, direction: "down" });
    this.#change(form, -1);
  }

  refused(code: string): void {
    this.#refused.add(1, { code });
  }

  connectionRefused(bound: Bound): void {
    this.#connectionsRefused.add(1, { bound });
  }

  /** Services that have an address, and addresses at which the proxy listens. */
  mapped(mappings: number, listening: number): void {
    this.#mappings.set(mappings, {});
    this.#mappedOpen.set(listening, {});
  }

  #change(form: ProxyForm, by: 1 | -1): void {
    const open = (this.#running.get(form) ?? 0) + by;
    this.#running.set(form, open);
    this.#open.set(open, { form });
  }
}
