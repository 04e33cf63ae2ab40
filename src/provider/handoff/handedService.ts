import type { Hex } from "viem";
import type { FreeAllowance } from "../../cashier/allowance.ts";
import type { ToKeeper } from "../../cashier/shared/messages.ts";
import { holdingJson } from "../../cashier/shared/remoteTab.ts";
import type { HeldAmounts, SharedCollector } from "../../cashier/shared/sharedCollector.ts";
import type { Logger } from "../../node/logger.ts";
import type { Scheduler } from "../../node/scheduler.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import { salError } from "../../sal/errors.ts";
import type { SalProvider } from "../../sal/provider/salProvider.ts";
import type { RelayStatus } from "../../sal/relay/relayLine.ts";
import type { Gateways } from "../gateway/gateways.ts";
import type { Payments } from "../gateway/pay/payments.ts";
import type { Whereabouts } from "../publish/whereabouts.ts";
import type { RelayLines } from "../relays/relayLines.ts";
import { BooksKeeper } from "./booksKeeper.ts";
import type { GivenService } from "./messages.ts";
import type { ServiceHandoff } from "./serviceHandoff.ts";

/** How often a process whose place another one has taken looks whether all has ended, milliseconds. */
const LOOK_MS = 100;

export interface HandedServiceDependencies {
  gateways: Pick<Gateways, "address" | "isServing" | "leave">;
  whereabouts: Pick<Whereabouts, "followed">;
  /** The lines to relays, which lead visitors here; undefined if there are none. */
  relays?: Pick<RelayLines, "stop" | "status" | "succeeded"> | undefined;
  /** The record that was published last. */
  record?: (() => Hex | undefined) | undefined;
  /** Direct paths round the relays; undefined if there are none. */
  direct?: { leave(): void } | undefined;
  /** Takes the payments; undefined if the service has no price. */
  pay: HandedPay | undefined;
  clock: Scheduler;
  log: Logger;
}

/** What takes the payments of a service, as it is handed over. */
export interface HandedPay {
  readonly books: SharedCollector;
  readonly pricing: { readonly allowance: FreeAllowance };
  readonly payments: Pick<Payments, "reserved"> | undefined;
  /** Writes the books, and closes them. */
  giveUp(held: () => HeldAmounts): Promise<void>;
}

/** A service that its process can hand over: its gateway, and its side of the SAL. */
export class HandedService implements ServiceHandoff {
  readonly serviceId: Hex;
  readonly keys: readonly Uint8Array[];
  readonly sal: SalProvider;
  readonly #d: HandedServiceDependencies;
  #left: Promise<void> | undefined;
  #isExpired = false;
  #isSucceeded = false;
  #keeper: BooksKeeper | undefined;

  constructor(
    service: { serviceId: Hex; keys: readonly Uint8Array[]; sal: SalProvider },
    dependencies: HandedServiceDependencies,
  ) {
    this.serviceId = service.serviceId;
    this.keys = service.keys;
    this.sal = service.sal;
    this.#d = dependencies;
  }

  get relays(): readonly RelayStatus[] {
    return this.#d.relays?.status ?? [];
  }

  get record(): Hex | undefined {
    return this.#d.record?.();
  }

  succeeded(): void {
    this.#isSucceeded = true;
    this.#d.relays?.succeeded();
  }

  /** Whether another process goes on with the duties. */
  get isSucceeded(): boolean {
    return this.#isSucceeded;
  }

  async giveBooks(): Promise<void> {
    const { pay } = this.#d;
    if (pay === undefined) return;
    this.#keeper?.close();
    const { till } = this.sal;
    await pay.giveUp(() => {
      till?.trim();
      return { session: till?.granted() ?? [], request: pay.payments?.reserved?.all() ?? [] };
    });
  }

  /** Keeps the books also for the processes before this one; undefined if the service has no price. */
  get keeper(): BooksKeeper | undefined {
    const { pay, log } = this.#d;
    const { till } = this.sal;
    if (pay === undefined || till === undefined) return undefined;
    pay.books.refilled = (tab) => {
      till.refilled(tab);
    };
    this.#keeper ??= new BooksKeeper({ collector: pay.books, till, log });
    return this.#keeper;
  }

  books(message: unknown): void {
    this.#d.pay?.books.remote?.take(message);
  }

  forsaken(): void {
    this.#d.pay?.books.remote?.detach();
    this.#d.pay?.pricing.allowance.tellTo(undefined);
  }

  given(send: (message: ToKeeper) => void): GivenService {
    const { serviceId, sal } = this;
    const { gateways, whereabouts, pay } = this.#d;
    const remote = pay?.books.remote;
    if (remote !== undefined) {
      sal.till?.trim();
      for (const { tab, amount } of sal.till?.granted() ?? []) remote.keep(tab, amount);
    }
    const holdings = remote?.holdings().map((each) => holdingJson(each)) ?? [];
    // What is charged after this goes to the other process.
    remote?.attach(send);
    pay?.pricing.allowance.tellTo((told) => {
      send({ is: "free", ...told });
    });
    const instance = bytesToHex(sal.instance);
    const given = { serviceId, instance, move: whereabouts.followed, holdings };
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
    const { gateways, relays, direct, clock, log } = this.#d;
    // The gateway of the network leads the same port to the new process.
    direct?.leave();
    // The new process has lines of its own; visitors who are here stay.
    await Promise.all([gateways.leave(), relays?.stop()]);
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
