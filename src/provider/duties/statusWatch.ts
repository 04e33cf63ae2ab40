import { statusRemedies, type Services } from "../../chain/services.ts";
import type { Logger } from "../../node/logger.ts";
import type { ServiceMetrics } from "../metrics.ts";
import type { ServiceStatus } from "../../protocol/serviceStatus.ts";

export interface StatusWatchDependencies {
  services: Services;
  log: Logger;
  metrics?: Pick<ServiceMetrics, "serviceStatus">;
}

/** Logs changes of the service's status; only an active service is audited and paid. */
export class StatusWatch {
  readonly #number: bigint;
  readonly #services: Services;
  readonly #log: Logger;
  readonly #metrics: Pick<ServiceMetrics, "serviceStatus"> | undefined;
  #last: ServiceStatus = "Active";

  constructor(options: { number: bigint }, dependencies: StatusWatchDependencies) {
    this.#number = options.number;
    this.#services = dependencies.services;
    this.#log = dependencies.log;
    this.#metrics = dependencies.metrics;
  }

  /** Reads the status, and logs it if it has changed. */
  async look(): Promise<void> {
    const status = await this.#services.statusNow(this.#number);
    this.#metrics?.serviceStatus(status);
    if (status === this.#last) return;
    this.#last = status;
    const about = { number: this.#number, status };
    if (status === "Active") this.#log.info("the service is active", about);
    else this.#log.warn("the service is not active", { ...about, remedy: statusRemedies[status] });
  }
}
