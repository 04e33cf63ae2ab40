import { expect } from "chai";
import type { Hex } from "viem";
import type { BookLimits } from "../../src/coral/book/options.ts";
import type { Arrival, MessageKind } from "../../src/coral/network.ts";
import { RecordBook, type Acceptance } from "../../src/coral/book/recordBook.ts";
import type { RefusalReason } from "../../src/coral/book/refusal.ts";
import { CoralStore } from "../../src/coral/book/store.ts";
import { domain, FakeAuthority, START } from "./coralKit.ts";
import { FakeTimers } from "./fakeTime.ts";
import { MemoryLog } from "./memoryLog.ts";

/** A record book on a registry, a clock and a disk that a test moves. */
export class BookRig {
  readonly timers = new FakeTimers();
  readonly authority: FakeAuthority;
  readonly log = new MemoryLog();
  readonly arrivals: Arrival[] = [];
  readonly refused = new Map<RefusalReason, number>();
  readonly store: CoralStore;
  readonly book: RecordBook;
  readonly #start: number;

  constructor(
    options: {
      file?: string;
      limits?: Partial<BookLimits>;
      authority?: FakeAuthority;
      start?: number;
    } = {},
  ) {
    this.#start = options.start ?? START;
    this.authority = options.authority ?? new FakeAuthority();
    const { timers, log, authority } = this;
    const now = () => this.now();
    this.store = new CoralStore({ file: options.file ?? ":memory:" }, { now, timers, log });
    this.book = new RecordBook(
      { domain, limits: options.limits },
      {
        authority,
        store: this.store,
        now,
        timers,
        log,
        observer: {
          arrived: () => {},
          refused: (reason) => this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1),
        },
      },
    );
    this.book.onArrival((arrival) => this.arrivals.push(arrival));
  }

  async start(): Promise<this> {
    await this.store.start();
    await this.book.start();
    return this;
  }

  async stop(): Promise<void> {
    await this.book.stop();
    await this.store.stop();
  }

  now(): number {
    return this.#start + this.timers.monotonic();
  }

  async accepts(kind: MessageKind, encoded: Hex | Uint8Array): Promise<Arrival> {
    const acceptance = await this.book.accept(kind, encoded);
    if (acceptance.outcome !== "accepted") expect.fail(`expected accepted, got ${say(acceptance)}`);
    return acceptance.arrival;
  }

  /** Expects a refusal for a reason, counted once, nothing kept. */
  async refuses(
    reason: RefusalReason,
    kind: MessageKind,
    encoded: Hex | Uint8Array,
  ): Promise<string> {
    const counted = this.refused.get(reason) ?? 0;
    const before = { ...this.book.held, arrivals: this.arrivals.length };
    const acceptance = await this.book.accept(kind, encoded);
    if (acceptance.outcome !== "refused") expect.fail(`expected ${reason}, got ${say(acceptance)}`);
    expect(acceptance.reason, acceptance.error.message).to.equal(reason);
    expect(this.refused.get(reason)).to.equal(counted + 1);
    expect({ ...this.book.held, arrivals: this.arrivals.length }).to.deep.equal(before);
    return acceptance.error.code;
  }

  async knows(kind: MessageKind, encoded: Hex): Promise<void> {
    expect(say(await this.book.accept(kind, encoded))).to.equal("known");
  }
}

function say(acceptance: Acceptance): string {
  return acceptance.outcome === "refused" ? acceptance.reason : acceptance.outcome;
}
