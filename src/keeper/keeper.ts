import { randomInt } from "node:crypto";
import { currentEpoch, untilPhase, type ChainTime } from "../chain/clock.ts";
import type { Moment } from "../chain/views/contracts.ts";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { epochAt } from "../protocol/epoch.ts";
import type { KeeperDuty, Offer } from "./duty.ts";
import type { KeeperObserver } from "./observer.ts";

/** Rounds in an epoch, and the bounds of the pause between two, milliseconds. */
const ROUNDS = 20;
const PAUSE_MS = { least: 500, most: 60_000 };

export interface KeeperDependencies {
  /** Reads events up to a block; false as long as there is more behind what it read. */
  follower: { follow(head: bigint, signal: AbortSignal): Promise<boolean> };
  /** Has its own moments in an epoch. */
  tick: { run(epoch: number, offer: Offer, signal: AbortSignal): Promise<void> };
  /** Run in each round. */
  duties: readonly KeeperDuty[];
  executor: { offer(...args: [...Parameters<Offer>, AbortSignal]): Promise<void> };
  observer: Pick<KeeperObserver, "failed">;
  time: ChainTime;
  timers: Timers;
  log: Logger;
}

/**
 * Looks many times an epoch for what is due and has it done. Rounds begin at random moments and take their
 * duties in random order, so that keepers seldom meet; where they do, the chain decides. A duty that fails
 * is tried again in the next round and keeps no other from its turn.
 */
export class Keeper implements Startable {
  readonly #d: KeeperDependencies;
  readonly #stopping = new AbortController();
  #loops: Promise<unknown> = Promise.resolve();

  constructor(dependencies: KeeperDependencies) {
    this.#d = dependencies;
  }

  start(): Promise<void> {
    this.#d.log.info("keeper started", { epoch: currentEpoch(this.#d.time) });
    this.#loops = Promise.all([this.#rounds(), this.#ticks()]);
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loops;
  }

  async #rounds(): Promise<void> {
    const { timers, time } = this.#d;
    const { signal } = this.#stopping;
    const mean = (time.timing.epochSeconds * 1000) / ROUNDS;
    const pause = Math.min(PAUSE_MS.most, Math.max(PAUSE_MS.least, mean));
    while (!signal.aborted) {
      const isBehind = await this.#round(signal);
      const wait = isBehind ? PAUSE_MS.least : pause * jitter();
      await timers.sleep(wait, signal).catch(ifStopped(signal));
    }
  }

  /** Whether there is more history to read before anything can be done. */
  async #round(signal: AbortSignal): Promise<boolean> {
    const { follower, duties, time } = this.#d;
    const head = time.head();
    let isBehind = false;
    const hasRead = await this.#guarded("follow", signal, async () => {
      isBehind = !(await follower.follow(head.number, signal));
    });
    // With half of the history known, work that is done already would look due.
    if (!hasRead || isBehind) return isBehind;
    const moment: Moment = { ...head, epoch: epochAt(time.timing, head.timestamp) };
    for (const duty of shuffled(duties)) {
      if (signal.aborted) break;
      await this.#guarded(duty.name, signal, () =>
        duty.run(moment, (chores) => this.#d.executor.offer(chores, signal), signal),
      );
    }
    return false;
  }

  async #ticks(): Promise<void> {
    const { tick, executor, time, timers } = this.#d;
    const { signal } = this.#stopping;
    let epoch = currentEpoch(time);
    while (!signal.aborted) {
      const ending = new AbortController();
      const both = AbortSignal.any([signal, ending.signal]);
      const offer: Offer = (chores) => executor.offer(chores, both);
      const attempt = async () => {
        const longest = (time.timing.epochSeconds * 1000) / ROUNDS;
        // Soon at first: whoever comes later finds the seed recorded, and the bounty paid.
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

  /** Runs a part of the work; whether it went well. What fails does so again or not in its next turn. */
  async #guarded(name: string, signal: AbortSignal, run: () => Promise<void>): Promise<boolean> {
    try {
      await run();
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      this.#d.observer.failed(name);
      this.#d.log.warn("duty failed, trying again", { duty: name, error });
      return false;
    }
  }
}

/** Lets an abort end a wait. */
function ifStopped(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}

/** Between a half and one and a half. */
function jitter(): number {
  return 0.5 + randomInt(1000) / 1000;
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: randomInt(1_000_000) }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
