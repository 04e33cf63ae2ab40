import type { Services, ServiceStatus } from "../chain/services.ts";
import type { Logger } from "../node/logger.ts";
import type { ProviderMetrics } from "./metrics.ts";

/** What the operator can do about a service that is not active. */
const REMEDIES: Record<Exclude<ServiceStatus, "Active">, string> = {
  None: "There is no such service: check its number and the deployment.",
  Unstaked: "Its owner stakes up to the class's minimum (stakeService).",
  Maintenance: "Its owner ends maintenance (setMaintenance).",
  Suspended: "Repair what made it fail; then its owner ends the suspension (reinstate).",
  Retired: "Nothing: it is retired for ever.",
  Keyless: "Its owner sets a key (setKey) and stakes, as after every transfer.",
};

export interface StatusWatchDependencies {
  services: Services;
  log: Logger;
  metrics?: Pick<ProviderMetrics, "serviceStatus">;
}

/** Tells the operator when the service's status changes; only an active one is audited and paid. */
export class StatusWatch {
  readonly #number: bigint;
  readonly #services: Services;
  readonly #log: Logger;
  readonly #metrics: Pick<ProviderMetrics, "serviceStatus"> | undefined;
  #last: ServiceStatus = "Active";

  constructor(options: { number: bigint }, dependencies: StatusWatchDependencies) {
    this.#number = options.number;
    this.#services = dependencies.services;
    this.#log = dependencies.log;
    this.#metrics = dependencies.metrics;
  }

  /** Reads the status, and says so when it is another than the last time. */
  async look(): Promise<void> {
    const status = await this.#services.statusNow(this.#number);
    this.#metrics?.serviceStatus(status);
    if (status === this.#last) return;
    this.#last = status;
    const about = { number: this.#number, status };
    if (status === "Active") this.#log.info("the service is active", about);
    else this.#log.warn("the service is not active", { ...about, remedy: REMEDIES[status] });
  }
}
