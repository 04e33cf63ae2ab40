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
  /** Distinguishes blocks with the same number before and after a reorganisation. */
  hash: Hex;
  /** Unix seconds. */
  timestamp: number;
}

/** The chain's time, used instead of wall time. */
export interface ChainTime {
  readonly timing: EpochTiming;
  /**
   * Unix seconds with a fraction, advanced between blocks and while no block comes. It is for leases and receipts,
   * which age in real time; work that is due on chain follows the head.
   */
  now(): number;
  head(): Head;
  /** Waits until the advanced time reaches a moment (Unix seconds). */
  until(seconds: number, signal: AbortSignal): Promise<void>;
  /** Waits until there is a block not older than a moment (Unix seconds). */
  reached(seconds: number, signal: AbortSignal): Promise<void>;
}

export interface ChainClockOptions {
  timing: EpochTiming;
  /** Interval between polls, milliseconds; default: about the time between blocks. */
  pollMs?: number | undefined;
}

/** Minimum interval between polls, also while the rate of blocks is unknown, milliseconds. */
const LEAST_POLL_MS = 250;
/** Time without a block after which the chain counts as halted: a minimum, and a multiple of its block time. */
const HALT = { seconds: 10, unknownSeconds: 60, blocks: 4 };

/**
 * A clock that follows blocks: the newest block's time, advanced by a monotonic timer. It never goes back, even
 * if a reorganisation brings an older block.
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
  /** Number of polls since the head was first seen. */
  #polls = 0;
  #isHalted = false;
  /** Whether the newest block was announced before a poll found it. */
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

  /** Whether there is a time: a block was read already. */
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

  /** Called when a new block is announced: reads it at once, and polls less often for the next one. */
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
    // In steps, because a new block may advance the time faster than the timer.
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
      // A poll found it.
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
      this.#log.info("new blocks arrive again", { block: number, afterSeconds: seconds });
    }
    this.#isHalted = false;
    this.#head = head;
    this.#polls = 0;
    this.#seenAt = this.#timers.monotonic();
  }

  /** Logs once that no block comes. Work that follows blocks is not given up meanwhile. */
  #watchForHalt(): void {
    const seconds = (this.#timers.monotonic() - this.#seenAt) / 1000;
    if (this.#isHalted || seconds < this.#pace.haltSeconds) return;
    this.#isHalted = true;
    this.#log.warn("no new block: the chain or its endpoints have halted", {
      block: this.#head?.number,
      seconds: Math.round(seconds),
    });
  }
}

/** Learns the rate of blocks, and decides when to poll for the next one. */
class Pace {
  readonly #leastMs: number;
  readonly #fixedMs: number | undefined;
  /** Seconds between the newest blocks. */
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
   * Milliseconds until the next poll: shortly before the next block is due, then in small steps.
   *
   * @param passedMs Milliseconds since the head was first seen.
   * @param polls Number of polls since then.
   * @param isTold Whether the next block will probably be announced, so that polls are only a fallback.
   */
  pause(passedMs: number, polls: number, isTold: boolean): number {
    if (this.#fixedMs !== undefined) return this.#fixedMs;
    const blockMs = Math.min(this.#spacing ?? 0, MOST_SPACING_SECONDS) * 1000;
    const step = Math.max(this.#leastMs, blockMs / STEPS_A_BLOCK);
    // Earlier by a step: a poll that finds a block at once does not show the block's age.
    const due = blockMs + (isTold ? PATIENT_STEPS * step : -step) - passedMs;
    return polls === 0 ? Math.max(this.#leastMs, due) : step;
  }

  /** The shortest of the newest gaps, because a slot without a block would distort the rate. */
  get #spacing(): number | undefined {
    return this.#gaps.length < GAPS.enough ? undefined : Math.min(...this.#gaps);
  }
}

/** Number of gaps between blocks that are kept, and the minimum number for a rate. */
const GAPS = { known: 8, enough: 4 };
/** Maximum expected block time: no supported chain is slower, and blocks at random times need a bound. */
const MOST_SPACING_SECONDS = 15;
/** Number of steps that an announced block may be late before a poll. */
const PATIENT_STEPS = 4;
/** Number of polls per block time after the next block is due. */
const STEPS_A_BLOCK = 16;

/** The current epoch by the newest block, as in the contracts. */
export function currentEpoch(time: ChainTime): number {
  return epochAt(time.timing, time.head().timestamp);
}

/** Waits for a block at a share of an epoch, 0 to 1, or later. */
export function untilPhase(
  time: ChainTime,
  epoch: number,
  share: number,
  signal: AbortSignal,
): Promise<void> {
  const start = epochStart(time.timing, epoch);
  return time.reached(start + share * time.timing.epochSeconds, signal);
}

/** Waits until the newest block changes. */
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
 * Watches a fact on chain until a number of blocks are above the current one.
 *
 * @returns False as soon as a reorganisation has removed the fact.
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
