import type { Hex } from "viem";
import type { Logger } from "../node/logger.ts";
import type { Startable } from "../node/lifecycle.ts";
import type { Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { epochAt, epochStart, type EpochTiming } from "../protocol/epoch.ts";
import type { ChainClient } from "./client.ts";

/** The newest block that the clock has seen. */
export interface Head {
  number: bigint;
  /** Tells apart two blocks of one number, of before and after a reorganisation. */
  hash: Hex;
  /** Unix seconds. */
  timestamp: number;
}

/** The chain's time, for whoever must not use wall time. */
export interface ChainTime {
  readonly timing: EpochTiming;
  /** Unix seconds, with a fraction. */
  now(): number;
  head(): Head;
  /** Waits until the chain's time reaches a moment (Unix seconds). */
  until(seconds: number, signal: AbortSignal): Promise<void>;
}

/**
 * A clock that follows blocks: the newest block's time, carried on by a monotonic timer. It never goes
 * back, also when a reorganisation brings an older block.
 */
export class ChainClock implements ChainTime, Startable {
  readonly timing: EpochTiming;
  readonly #client: ChainClient;
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #pollMs: number;
  readonly #stopping = new AbortController();
  #head: Head | undefined;
  #seenAt = 0;
  #latest = 0;
  #loop: Promise<void> = Promise.resolve();

  constructor(
    options: { timing: EpochTiming; pollMs?: number },
    dependencies: { client: ChainClient; timers: Timers; log: Logger },
  ) {
    this.timing = options.timing;
    this.#pollMs = options.pollMs ?? 250;
    this.#client = dependencies.client;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
  }

  async start(): Promise<void> {
    await this.#poll();
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  now(): number {
    const head = this.head();
    const carried = head.timestamp + (this.#timers.monotonic() - this.#seenAt) / 1000;
    this.#latest = Math.max(this.#latest, carried);
    return this.#latest;
  }

  head(): Head {
    if (this.#head === undefined) {
      throw new BlockcloudError("CLOCK_STOPPED", "The chain clock was not started.");
    }
    return this.#head;
  }

  async until(seconds: number, signal: AbortSignal): Promise<void> {
    // In steps, since a new block may bring the moment nearer than the timer thought.
    for (let left = seconds - this.now(); left > 0; left = seconds - this.now()) {
      await this.#timers.sleep(Math.min(left * 1000, this.#pollMs), signal);
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#timers.sleep(this.#pollMs, signal);
        await this.#poll();
      } catch (error) {
        if (!signal.aborted) this.#log.warn("cannot read the newest block", { error });
      }
    }
  }

  async #poll(): Promise<void> {
    const block = await this.#client.getBlock({ blockTag: "latest" });
    const { number, hash, timestamp } = block;
    if (this.#head?.hash === hash) return;
    this.#head = { number, hash, timestamp: Number(timestamp) };
    this.#seenAt = this.#timers.monotonic();
  }
}

/** The current epoch by the chain's time. */
export function currentEpoch(time: ChainTime): number {
  return epochAt(time.timing, time.now());
}

/** Waits for a share of an epoch, 0 to 1, to have passed. */
export function untilPhase(
  time: ChainTime,
  epoch: number,
  share: number,
  signal: AbortSignal,
): Promise<void> {
  const start = epochStart(time.timing, epoch);
  return time.until(start + share * time.timing.epochSeconds, signal);
}

/**
 * Watches whether something on chain still holds until so many blocks are on top of the present one.
 *
 * @returns False as soon as it does not: a reorganisation has taken it back.
 */
export async function staysFor(
  d: { time: ChainTime; timers: Timers },
  blocks: bigint,
  holds: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<boolean> {
  const { time, timers } = d;
  const pollMs = Math.min(1000, time.timing.epochSeconds * 10);
  const end = time.head().number + blocks;
  let { hash } = time.head();
  while (time.head().number < end) {
    await timers.sleep(pollMs, signal);
    if (time.head().hash === hash) continue;
    ({ hash } = time.head());
    if (!(await holds())) return false;
  }
  return true;
}
