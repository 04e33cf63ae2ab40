import { rmSync } from "node:fs";
import type { Socket } from "node:net";
import type { Hex } from "viem";
import type { Logger } from "../../node/logger.ts";
import type { Elsewhere, ForeignResume } from "../../sal/handoff/elsewhere.ts";
import type { BooksKeeper } from "./booksKeeper.ts";
import { isGone } from "./channel.ts";
import { Leaver, type LeaverDependencies } from "./leaver.ts";
import type { HandoffPlace } from "./place.ts";
import type { Predecessor } from "./predecessor.ts";
import type { KeyedService } from "./proofs.ts";
import type { InheritedService } from "./serviceHandoff.ts";

/** Most processes before this one that serve on. */
const MOST_TAILS = 3;

export interface TakeOverDependencies extends LeaverDependencies {
  log: Logger;
}

/**
 * The processes in whose place this one serves. Their sessions stay with them: when a client comes to this process to
 * resume one, its link is passed on.
 */
export class TakeOver implements Elsewhere {
  readonly #place: HandoffPlace;
  readonly #d: TakeOverDependencies;
  /** Those that wait for the process which has taken the lock. */
  #leavers: Leaver[] = [];
  /** The newest first. */
  #predecessors: Predecessor[] = [];

  constructor(place: HandoffPlace, dependencies: TakeOverDependencies) {
    this.#place = place;
    this.#d = dependencies;
  }

  /** The processes that live. */
  get tails(): number {
    return this.#predecessors.length;
  }

  /**
   * Asks all processes that are there for their place. Each of them has given up its duties and the lock then, and waits
   * for {@link claim}.
   *
   * @returns Why that failed with some of them: `HANDOFF_REFUSED`, `HANDOFF_FAILED`. Their sessions are not found.
   */
  async ask(services: readonly KeyedService[]): Promise<unknown[]> {
    const failures: unknown[] = [];
    const asked = this.#place.all().map(async (file) => {
      try {
        const leaver = await this.#askOne(file, services);
        if (leaver === undefined) rmSync(file, { force: true });
        return leaver ?? [];
      } catch (error) {
        this.#d.log.warn("a process does not give its place away", { file, error });
        failures.push(error);
        return [];
      }
    });
    this.#leavers = (await Promise.all(asked)).flat();
    return failures;
  }

  /** Takes the place of the processes that were asked. This process has the lock, and no other one may have it. */
  async claim(): Promise<void> {
    const { log } = this.#d;
    const claimed = this.#leavers.splice(0).map(async (leaver) => {
      try {
        const found = await leaver.claim();
        log.info("this process takes the place of another one", { pid: found.given.pid });
        return found;
      } catch (error) {
        log.warn("a process has ended that gave its place away", { file: leaver.file, error });
        return [];
      }
    });
    this.#predecessors = (await Promise.all(claimed)).flat();
    this.#predecessors.sort((a, b) => b.given.since - a.given.since);
    for (const found of this.#predecessors) {
      void found.ended.then(() => {
        this.#predecessors = this.#predecessors.filter((each) => each !== found);
        log.info("a process before this one has ended", { pid: found.given.pid });
      });
    }
    for (const each of this.#predecessors.slice(MOST_TAILS)) {
      log.warn("a process ends, because too many are in a row", { pid: each.given.pid });
      each.expire();
    }
  }

  async #askOne(file: string, services: readonly KeyedService[]): Promise<Leaver | undefined> {
    try {
      return await Leaver.ask(file, services, this.#d);
    } catch (error) {
      // One that has died meanwhile has nothing to give.
      if (await isGone(file, this.#d.clock)) return undefined;
      throw error;
    }
  }

  /** What the processes before have left of a service; undefined if they did not serve it. */
  inherited(serviceId: Hex): InheritedService | undefined {
    const found = this.#predecessors.flatMap(({ given }) =>
      given.services.filter((each) => each.serviceId === serviceId),
    );
    const [newest] = found;
    if (newest === undefined) return undefined;
    return {
      instance: Buffer.from(newest.instance.slice(2), "hex"),
      listen: found.find(({ listen }) => listen !== undefined)?.listen,
      move: newest.move,
    };
  }

  /** Keeps the books of a service from now on, also for the processes before. */
  keepBooks(serviceId: Hex, keeper: BooksKeeper): void {
    for (const each of this.#predecessors) {
      const holdings = each.given.services.find(
        (service) => service.serviceId === serviceId,
      )?.holdings;
      if (holdings === undefined) continue;
      const user = keeper.join(holdings, (message) => {
        each.tell(serviceId, message);
      });
      each.keepBooks(serviceId, (message) => {
        user.take(message);
      });
      void each.ended.then(() => {
        user.leave();
      });
    }
  }

  /** This process serves a service: the others take no new clients for it. */
  serving(serviceId: Hex): void {
    for (const each of this.#predecessors) each.serving(serviceId);
  }

  async find(resume: ForeignResume, signal: AbortSignal): Promise<Socket | "unknown" | "busy"> {
    let isBusy = false;
    for (const each of [...this.#predecessors]) {
      try {
        const socket = await each.resume(resume, signal);
        if (socket !== undefined) return socket;
      } catch (error) {
        // One that has died meanwhile has nothing any more.
        isBusy ||= each.isAlive;
        this.#d.log.debug("a process does not answer", { pid: each.given.pid, error });
      }
      signal.throwIfAborted();
    }
    return isBusy ? "busy" : "unknown";
  }

  close(): void {
    for (const each of [...this.#leavers, ...this.#predecessors]) each.close();
  }
}
