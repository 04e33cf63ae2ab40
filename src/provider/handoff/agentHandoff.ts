import { BlockcloudError } from "../../protocol/errors.ts";
import type { Domain } from "../../protocol/typedData.ts";
import type { Hex } from "viem";
import type { LockOptions } from "../../node/lock.ts";
import type { Logger } from "../../node/logger.ts";
import type { Startable } from "../../node/lifecycle.ts";
import type { Scheduler } from "../../node/scheduler.ts";
import { HandoffHost, type HandedAgent } from "./host.ts";
import type { HandoffStatus } from "./messages.ts";
import { HandoffPlace } from "./place.ts";
import type { KeyedService } from "./proofs.ts";
import type { ServiceHandoff } from "./serviceHandoff.ts";
import { TakeOver } from "./takeOver.ts";

/** How long a process may serve after another one has taken its place, milliseconds. */
const TAIL_MS = 24 * 3_600_000;

/** The process of an agent, as far as one process takes the place of another. */
export interface ProcessHandoff {
  /** Whether this process may take the place of one that runs; else it refuses to start beside it. */
  takeOver: boolean;
  /** Names the lock that one process at a time holds. */
  lock: LockOptions;
  /**
   * Takes the lock, unless this process has it.
   *
   * @throws BlockcloudError `WORKER_RUNNING`.
   */
  takeLock(): void;
  /** Lets go of the lock, and of all else that the next process needs. */
  given(): Promise<void>;
  /** Called when another process serves new clients. */
  replaced?(): void;
  /** Ends the process: everything that it served has ended. */
  finished(): void;
}

export interface AgentHandoffDependencies {
  process: ProcessHandoff;
  services(): readonly ServiceHandoff[];
  /** Stops all duties, for good. */
  stopDuties(): Promise<void>;
  /** Whether this process could do the duties now: without the chain it could not publish for long. */
  hasChain(): boolean;
  domain: Domain;
  /** The host's clock, Unix milliseconds. */
  now(): number;
  clock: Scheduler;
  log: Logger;
}

/**
 * An agent's part in handoffs: it takes the place of the processes before it, and gives its own to the one after it.
 * Duties move at once and for good; what is served stays until it ends.
 */
export class AgentHandoff implements HandedAgent {
  /** The processes in whose place this one serves. */
  readonly before: TakeOver;
  /** Where the next process finds this one. */
  readonly host: Startable;
  readonly #d: AgentHandoffDependencies;
  #giving: Promise<void> | undefined;
  #until: number | undefined;
  readonly #leaving = new Map<Hex, Promise<void>>();
  #cancel = () => {};
  #isOver = false;

  constructor(dependencies: AgentHandoffDependencies) {
    const { process, domain, now, clock, log } = dependencies;
    this.#d = dependencies;
    const place = new HandoffPlace(process.lock);
    this.before = new TakeOver(place, { domain, now, clock, log });
    const host = new HandoffHost(place, { agent: this, domain, now, clock, log });
    this.host = {
      start: () => host.start(),
      stop: async () => {
        this.#cancel();
        this.before.close();
        await host.stop();
      },
    };
  }

  /**
   * Takes the place of the processes that are there, before this one opens anything that is theirs.
   *
   * @throws BlockcloudError `WORKER_RUNNING`, `HANDOFF_REFUSED`, `HANDOFF_FAILED`; `CHAIN_UNREACHABLE` if the process
   *   that runs can do more than this one.
   */
  async take(services: readonly KeyedService[]): Promise<void> {
    const { takeOver, takeLock } = this.#d.process;
    // Without a process that holds the lock there may be some that did, and still serve.
    const isFree = this.#tryLock(takeOver);
    if (!isFree && !this.#d.hasChain()) {
      throw new BlockcloudError("CHAIN_UNREACHABLE", "No endpoint of the chain answers.", {
        retryable: true,
        remedy: "Check the RPC endpoints, and start again: the process that runs serves on.",
      });
    }
    const [failure] = await this.before.ask(services);
    try {
      if (!isFree) takeLock();
    } catch (error) {
      this.before.close();
      // If no process has refused, another one was faster.
      throw failure ?? error;
    }
    await this.before.claim();
  }

  #tryLock(mayRun: boolean): boolean {
    try {
      this.#d.process.takeLock();
      return true;
    } catch (error) {
      const isRunning = error instanceof BlockcloudError && error.code === "WORKER_RUNNING";
      if (isRunning && mayRun) return false;
      throw error;
    }
  }

  // HandedAgent

  services(): readonly ServiceHandoff[] {
    return this.#d.services();
  }

  give(): Promise<void> {
    this.#giving ??= this.#give().catch((error: unknown) => {
      // The next process that wants the place may try again.
      this.#giving = undefined;
      throw error;
    });
    return this.#giving;
  }

  leave(serviceId: Hex): void {
    // Only who has taken the duties serves.
    if (this.#giving === undefined || this.#leaving.has(serviceId)) return;
    const service = this.services().find((each) => each.serviceId === serviceId);
    if (service === undefined) return;
    const { clock, now } = this.#d;
    if (this.#until === undefined) {
      this.#until = now() + TAIL_MS;
      this.#cancel = clock.after(TAIL_MS, () => {
        this.expire();
      });
    }
    this.#d.process.replaced?.();
    const leaving = service.leave();
    this.#leaving.set(serviceId, leaving);
    void leaving.then(() => {
      void this.#finish();
    });
  }

  expire(): void {
    if (this.#giving === undefined) return;
    for (const service of this.services()) service.expire();
  }

  status(): Pick<HandoffStatus, "state" | "until"> {
    if (this.#giving === undefined) return { state: "serving" };
    if (this.#until === undefined) return { state: "given" };
    return { state: "tail", until: this.#until };
  }

  async #give(): Promise<void> {
    for (const service of this.services()) service.succeeded();
    await this.#d.stopDuties();
    await Promise.all(this.services().map((service) => service.giveBooks()));
    await this.#d.process.given();
    // An agent of which no service could start has nothing to serve.
    void this.#finish();
  }

  /** Ends the process once all services have ended. */
  async #finish(): Promise<void> {
    const services = this.services();
    if (services.some(({ serviceId }) => !this.#leaving.has(serviceId))) return;
    await Promise.all(this.#leaving.values());
    if (this.#isOver) return;
    this.#isOver = true;
    this.#d.process.finished();
  }
}
