import { randomInt } from "node:crypto";
import { currentEpoch, untilPhase, type ChainTime } from "../chain/clock.ts";
import type { Moment } from "../chain/views/contracts.ts";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { epochAt } from "../protocol/epoch.ts";
import type { KeeperDuty, Offer } from "./duty.ts";
import type { KeeperObserver } from "./observer.ts";

/** Number of rounds in an epoch, and bounds of the pause between two, milliseconds. */
const ROUNDS = 20;
const PAUSE_MS = { least: 500, most: 60_000 };

export interface KeeperDependencies {
  /** Reads events up to a block; false if it must continue. */
  follower: { follow(head: bigint, signal: AbortSignal): Promise<boolean> };
  /** Runs at its own moments in an epoch. */
  tick: { run(epoch: number, offer: Offer, signal: AbortSignal): Promise<void> };
  /** Duties that run in each round. */
  duties: readonly KeeperDuty[];
  executor: { offer(...args: [...Parameters<Offer>, AbortSignal]): Promise<void> };
  observer: Pick<KeeperObserver, "failed">;
  time: ChainTime;
  timers: Timers;
  log: Logger;
}

/**
 * Searches many times per epoch for chores that are due, and has them sent. Rounds begin at random moments and run
 * their duties in random order, so keepers seldom collide; if they do, the chain decides. A failing duty is tried
 * again in the next round and does not stop other duties.
 */
export class Keeper implements Startable {
  readonly #follower: { follow(head: bigint, signal: AbortSignal): Promise<boolean> };
  readonly #tick: { run(epoch: number, offer: Offer, signal: AbortSignal): Promise<void> };
  readonly #duties: readonly KeeperDuty[];
  readonly #executor: { offer(...args: [...Parameters<Offer>, AbortSignal]): Promise<void> };
  readonly #observer: Pick<KeeperObserver, "failed">;
  readonly #time: ChainTime;
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  #loops: Promise<unknown> = Promise.resolve();

  constructor(dependencies: KeeperDependencies) {
    this.#follower = dependencies.follower;
    this.#tick = dependencies.tick;
    this.#duties = dependencies.duties;
    this.#executor = dependencies.executor;
    this.#observer = dependencies.observer;
    this.#time = dependencies.time;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
  }

  start(): Promise<void> {
    this.#log.info("keeper started", { epoch: currentEpoch(this.#time) });
    this.#loops = Promise.all([this.#rounds(), this.#ticks()]);
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loops;
  }

  async #rounds(): Promise<void> {
    const timers = this.#timers;
    const time = this.#time;
    const { signal } = this.#stopping;
    const mean = (time.timing.epochSeconds * 1000) / ROUNDS;
    const pause = Math.min(PAUSE_MS.most, Math.max(PAUSE_MS.least, mean));
    while (!signal.aborted) {
      const isBehind = await this.#round(signal);
      const wait = isBehind ? PAUSE_MS.least : pause * jitter();
      await timers.sleep(wait, signal).catch(ifStopped(signal));
    }
  }

  /** Whether history must be read before duties can run. */
  async #round(signal: AbortSignal): Promise<boolean> {
    const follower = this.#follower;
    const duties = this.#duties;
    const time = this.#time;
    const head = time.head();
    let isBehind = false;
    const hasRead = await this.#guarded("follow", signal, async () => {
      isBehind = !(await follower.follow(head.number, signal));
    });
    // With incomplete history, finished chores would look due.
    if (!hasRead || isBehind) return isBehind;
    const moment: Moment = { ...head, epoch: epochAt(time.timing, head.timestamp) };
    for (const duty of shuffled(duties)) {
      if (signal.aborted) break;
      await this.#guarded(duty.name, signal, () =>
        duty.run(moment, (chores) => this.#executor.offer(chores, signal), signal),
      );
    }
    return false;
  }

  async #ticks(): Promise<void> {
    const tick = this.#tick;
    const executor = this.#executor;
    const time = this.#time;
    const timers = this.#timers;
    const { signal } = this.#stopping;
    let epoch = currentEpoch(time);
    while (!signal.aborted) {
      const ending = new AbortController();
      const both = AbortSignal.any([signal, ending.signal]);
      const offer: Offer = (chores) => executor.offer(chores, both);
      const attempt = async () => {
        const longest = (time.timing.epochSeconds * 1000) / ROUNDS;
        // The first pauses are short, because only the first tick receives the bounty.
        for (let pause = PAUSE_MS.least; !both.aborted; pause = Math.min(2 * pause, longest)) {
          if (await this.#guarded("tick", both, () => tick.run(epoch, offer, both))) return;
          await timers.sleep(pause, both).catch(ifStopped(both));
        }
      };
      const attempts = attempt();
      await untilPhase(time, epoch, 1, signal).catch(ifStopped(signal));
      ending.abort();
      await attempts;
      epoch = Math.max(epoch + 1, currentEpoch(time));
    }
  }

  /** Runs a duty, and returns whether it succeeded. A failed duty runs again in its next turn. */
  async #guarded(name: string, signal: AbortSignal, run: () => Promise<void>): Promise<boolean> {
    try {
      await run();
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      this.#observer.failed(name);
      this.#log.warn("duty failed, trying again", { duty: name, error });
      return false;
    }
  }
}

/** Ends a wait when the signal is aborted. */
function ifStopped(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}

/** A random factor from 0.5 to 1.5. */
function jitter(): number {
  return 0.5 + randomInt(1000) / 1000;
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: randomInt(1_000_000) }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
