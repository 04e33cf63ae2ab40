import type { Hex } from "viem";
import type { Logger } from "../../node/logger.ts";
import type { Scheduler } from "../../node/scheduler.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import { salError } from "../../sal/errors.ts";
import type { SalProvider } from "../../sal/provider/salProvider.ts";
import type { Gateways } from "../gateway/gateways.ts";
import type { Whereabouts } from "../publish/whereabouts.ts";
import type { GivenService } from "./messages.ts";
import type { ServiceHandoff } from "./serviceHandoff.ts";

/** How often a process whose place another one has taken looks whether all has ended, milliseconds. */
const LOOK_MS = 100;

export interface HandedServiceDependencies {
  gateways: Pick<Gateways, "address" | "isServing" | "leave">;
  whereabouts: Pick<Whereabouts, "followed">;
  clock: Scheduler;
  log: Logger;
}

/** A service that its process can hand over: its gateway, and its side of the SAL. */
export class HandedService implements ServiceHandoff {
  readonly serviceId: Hex;
  readonly keys: readonly Uint8Array[];
  readonly sal: SalProvider;
  readonly #d: HandedServiceDependencies;
  #left: Promise<void> | undefined;
  #isExpired = false;

  constructor(
    service: { serviceId: Hex; keys: readonly Uint8Array[]; sal: SalProvider },
    dependencies: HandedServiceDependencies,
  ) {
    this.serviceId = service.serviceId;
    this.keys = service.keys;
    this.sal = service.sal;
    this.#d = dependencies;
  }

  given(): GivenService {
    const { serviceId, sal } = this;
    const { gateways, whereabouts } = this.#d;
    const given = { serviceId, instance: bytesToHex(sal.instance), move: whereabouts.followed };
    if (this.#left !== undefined) return given;
    const { address: host, port } = gateways.address;
    return { ...given, listen: { host, port } };
  }

  leave(): Promise<void> {
    this.#left ??= this.#leave();
    return this.#left;
  }

  expire(): void {
    this.#isExpired = true;
    this.sal.stop(salError("expired", "The process that served the flow was replaced long ago."));
  }

  async #leave(): Promise<void> {
    const { gateways, clock, log } = this.#d;
    await gateways.leave();
    this.sal.handOver();
    log.info("another process serves new clients", { flows: this.sal.flows });
    while (!this.#isExpired && (gateways.isServing || this.sal.isBusy)) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      clock.after(LOOK_MS, () => {
        resolve(undefined);
      });
      await promise;
    }
  }
}
