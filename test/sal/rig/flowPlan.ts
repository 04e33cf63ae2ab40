import fc from "fast-check";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import type { Flow } from "../../../src/sal/session/flow.ts";
import type { FakeClock } from "./fakeClock.ts";
import { pattern } from "./random.ts";

/** What one side of a flow does. */
export interface SidePlan {
  /** Bytes that it sends. */
  bytes: number;
  /** Bytes of a write. */
  piece: number;
  /** How long it rests after each read of 16 KiB, milliseconds; 0 for a reader that takes all at once. */
  restMs: number;
  /** After how many written bytes it closes the flow; undefined if it ends complete. */
  closesAt: number | undefined;
}

export const sidePlan: fc.Arbitrary<SidePlan> = fc.record({
  bytes: fc.oneof(fc.nat(2_000), fc.noBias(fc.nat(100_000)), fc.noBias(fc.nat(1_000_000))),
  piece: fc.integer({ min: 1, max: 70_000 }).map((piece) => Math.max(piece, 500)),
  restMs: fc.constantFrom(0, 0, 3, 40),
  closesAt: fc.oneof(
    { weight: 6, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.noBias(fc.nat(200_000)) },
  ),
});

/** What happened at one side. */
export class Side {
  readonly sent: Buffer;
  received = Buffer.alloc(0);
  /** Whether the peer's direction ended complete. */
  hasEnd = false;
  /** Whether this side's `end` was called. */
  hasEnded = false;
  isClosed = false;
  error: Error | undefined;
  readonly #plan: SidePlan;

  constructor(plan: SidePlan, seed: number) {
    this.#plan = plan;
    this.sent = pattern(seed, plan.bytes);
  }

  /** Whether this side closes the flow before it has sent everything. */
  get closes(): boolean {
    const { closesAt, bytes } = this.#plan;
    return closesAt !== undefined && closesAt < bytes;
  }

  get code(): string | undefined {
    return this.error instanceof BlockcloudError ? this.error.code : this.error?.message;
  }

  /** Plays the side's part on a flow. */
  play(flow: Flow, clock: FakeClock): void {
    flow.on("error", (error: Error) => {
      this.error = error;
    });
    flow.on("close", () => {
      this.isClosed = true;
    });
    flow.on("end", () => {
      this.hasEnd = true;
    });
    this.#read(flow, clock);
    this.#write(flow);
  }

  /** The flow could not be opened. */
  missed(error: Error): void {
    this.error = error;
    this.isClosed = true;
  }

  #read(flow: Flow, clock: FakeClock): void {
    const chunks: Buffer[] = [];
    const { restMs } = this.#plan;
    const take = (chunk: Buffer) => {
      chunks.push(Buffer.from(chunk));
      if (restMs === 0) return;
      flow.pause();
      clock.after(restMs, () => flow.resume());
    };
    flow.on("data", take);
    flow.on("close", () => {
      this.received = Buffer.concat(chunks);
    });
  }

  #write(flow: Flow): void {
    const { piece, closesAt } = this.#plan;
    let at = 0;
    const more = () => {
      while (!flow.destroyed) {
        if (this.closes && at >= (closesAt ?? 0)) {
          flow.destroy();
          return;
        }
        if (at >= this.sent.length) {
          this.hasEnded = true;
          flow.end();
          return;
        }
        const part = this.sent.subarray(at, at + piece);
        at += part.length;
        if (flow.write(part)) continue;
        flow.once("drain", more);
        return;
      }
    };
    more();
  }
}
