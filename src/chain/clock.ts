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
  /**
   * Unix seconds, with a fraction; carried on between blocks, and while no block comes. For leases and
   * receipts, which real time makes old; what is due on chain goes by the head.
   */
  now(): number;
  head(): Head;
  /** Waits until the chain's time, carried on, reaches a moment (Unix seconds). */
  until(seconds: number, signal: AbortSignal): Promise<void>;
  /** Waits until there is a block of a moment (Unix seconds) or later. */
  reached(seconds: number, signal: AbortSignal): Promise<void>;
}

export interface ChainClockOptions {
  timing: EpochTiming;
  /** Pause between two polls, milliseconds; without it, about the time that a block takes. */
  pollMs?: number | undefined;
}

/** Shortest pause between two polls where blocks are fast or their pace is not known yet, milliseconds. */
const LEAST_POLL_MS = 250;
/** A chain without a block for so long stands still: at least, and in times of its usual block. */
const HALT = { seconds: 10, unknownSeconds: 60, blocks: 4 };

/**
 * A clock that follows blocks: the newest block's time, carried on by a monotonic timer. It never goes
 * back, also when a reorganisation brings an older block.
 */
export class ChainClock implements ChainTime, Startable {
  readonly timing: EpochTiming;
  readonly #client: ChainClient;
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #pace: Pace;
  readonly #stopping = new AbortController();
  #head: Head | undefined;
  #seenAt = 0;
  #latest = 0;
  /** Polls since the head was first seen. */
  #polls = 0;
  #isHalted = false;
  /** Whether the newest block was heard of before it was polled for. */
  #isTold = false;
  #failures = 0;
  #poked = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(
    options: ChainClockOptions,
    dependencies: { client: ChainClient; timers: Timers; log: Logger },
  ) {
    this.timing = options.timing;
    this.#pace = new Pace(LEAST_POLL_MS, options.pollMs);
    this.#client = dependencies.client;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
  }

  /** Whether there is a time: a block was read. */
  get isKnown(): boolean {
    return this.#head !== undefined;
  }

  async start(): Promise<void> {
    await this.#poll();
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  /** Somebody has heard of a new block: it is read at once, and the next one is waited for longer. */
  poke(): void {
    this.#isTold = true;
    this.#poked.abort();
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
      await this.#timers.sleep(Math.min(left * 1000, LEAST_POLL_MS), signal);
    }
  }

  async reached(seconds: number, signal: AbortSignal): Promise<void> {
    while (this.head().timestamp < seconds) await this.#timers.sleep(LEAST_POLL_MS, signal);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#poked = new AbortController();
      try {
        await this.#pause(AbortSignal.any([signal, this.#poked.signal]));
        signal.throwIfAborted();
        await this.#poll();
        this.#failures = 0;
        this.#watchForHalt();
      } catch (error) {
        if (signal.aborted) return;
        this.#failures += 1;
        this.#log[this.#failures === 1 ? "warn" : "debug"]("cannot read the newest block", {
          error,
        });
      }
    }
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const passed = this.#timers.monotonic() - this.#seenAt;
    const pause = this.#pace.pause(passed, this.#polls, this.#isTold);
    try {
      await this.#timers.sleep(pause, signal);
      // It came by itself.
      this.#isTold = false;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #poll(): Promise<void> {
    this.#polls += 1;
    const block = await this.#client.getBlock({ blockTag: "latest" });
    const { number, hash, timestamp } = block;
    if (this.#head?.hash === hash) return;
    const head = { number, hash, timestamp: Number(timestamp) };
    if (this.#head !== undefined) this.#pace.saw(this.#head, head);
    if (this.#isHalted) {
      const seconds = Math.round((this.#timers.monotonic() - this.#seenAt) / 1000);
      this.#log.info("blocks come again", { block: number, afterSeconds: seconds });
    }
    this.#isHalted = false;
    this.#head = head;
    this.#polls = 0;
    this.#seenAt = this.#timers.monotonic();
  }

  /** Says once that no block comes. Nothing that is due by blocks is given up meanwhile. */
  #watchForHalt(): void {
    const seconds = (this.#timers.monotonic() - this.#seenAt) / 1000;
    if (this.#isHalted || seconds < this.#pace.haltSeconds) return;
    this.#isHalted = true;
    this.#log.warn("no new block comes: the chain stands still, or its endpoints do", {
      block: this.#head?.number,
      seconds: Math.round(seconds),
    });
  }
}

/** How fast blocks come, and when it is worth looking for the next one. */
class Pace {
  readonly #leastMs: number;
  readonly #fixedMs: number | undefined;
  /** Seconds between blocks, of the newest ones. */
  #gaps: number[] = [];

  constructor(leastMs: number, fixedMs: number | undefined) {
    this.#leastMs = leastMs;
    this.#fixedMs = fixedMs;
  }

  saw(before: Head, now: Head): void {
    const blocks = Number(now.number - before.number);
    if (blocks <= 0) return;
    const gap = (now.timestamp - before.timestamp) / blocks;
    this.#gaps = [...this.#gaps, gap].slice(-GAPS.known);
  }

  get haltSeconds(): number {
    const spacing = this.#spacing;
    if (spacing === undefined) return HALT.unknownSeconds;
    return Math.max(HALT.seconds, HALT.blocks * spacing);
  }

  /**
   * Milliseconds until the next poll: a little before the next block is due, and in small steps once it is.
   *
   * @param passedMs Since the head was first seen.
   * @param polls Since then.
   * @param isTold Somebody else is likely to hear of the next block: a poll only makes sure.
   */
  pause(passedMs: number, polls: number, isTold: boolean): number {
    if (this.#fixedMs !== undefined) return this.#fixedMs;
    const blockMs = Math.min(this.#spacing ?? 0, MOST_SPACING_SECONDS) * 1000;
    const step = Math.max(this.#leastMs, blockMs / STEPS_A_BLOCK);
    // Earlier by a step: a poll that finds a block at once says nothing of how long it has been there.
    const due = blockMs + (isTold ? PATIENT_STEPS * step : -step) - passedMs;
    return polls === 0 ? Math.max(this.#leastMs, due) : step;
  }

  /** The shortest of the newest gaps: a slot without a block is not the pace. */
  get #spacing(): number | undefined {
    return this.#gaps.length < GAPS.enough ? undefined : Math.min(...this.#gaps);
  }
}

/** Gaps between blocks that are remembered, and that must be known before they say anything. */
const GAPS = { known: 8, enough: 4 };
/** No chain that the contracts run on is slower; on one whose blocks come by chance, no wait is longer. */
const MOST_SPACING_SECONDS = 15;
/** Steps that a block may be late before it is polled for, where blocks are told of. */
const PATIENT_STEPS = 4;
/** Polls in the time of a block, once the next one is due. */
const STEPS_A_BLOCK = 16;

/** The current epoch, as the contracts see it: by the newest block. */
export function currentEpoch(time: ChainTime): number {
  return epochAt(time.timing, time.head().timestamp);
}

/** Waits until the chain has a block at a share of an epoch, 0 to 1, or later. */
export function untilPhase(
  time: ChainTime,
  epoch: number,
  share: number,
  signal: AbortSignal,
): Promise<void> {
  const start = epochStart(time.timing, epoch);
  return time.reached(start + share * time.timing.epochSeconds, signal);
}

/** Waits for another newest block than the present one. */
export async function nextBlock(
  d: { time: ChainTime; timers: Timers },
  signal: AbortSignal,
): Promise<void> {
  const { time, timers } = d;
  const { hash } = time.head();
  const pollMs = Math.min(1000, time.timing.epochSeconds * 10);
  while (time.head().hash === hash) await timers.sleep(pollMs, signal);
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
  const end = d.time.head().number + blocks;
  while (d.time.head().number < end) {
    await nextBlock(d, signal);
    if (!(await holds())) return false;
  }
  return true;
}
