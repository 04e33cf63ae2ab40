import { bytesToHex } from "../protocol/bytes.ts";
import type { Logger } from "../node/logger.ts";
import { RateLimit, type RateLimitOptions } from "../node/rateLimit.ts";
import { isBorderline } from "./claim.ts";
import type { Conduct } from "./conduct.ts";
import type { MessageKind } from "./network.ts";
import type { Acceptance, RecordBook } from "./recordBook.ts";
import type { RefusalReason } from "./refusal.ts";

/** What a refused message costs whoever sent it; the rest is nobody's fault, or cannot be told. */
const POINTS: Partial<Record<RefusalReason, number>> = {
  malformed: 10,
  oversized: 10,
  expired: 2,
  ahead: 2,
  signer: 1,
  delegation: 1,
  unknown: 1,
  inactive: 1,
};
/** What is wrong only by what the chain says of the service: we may be behind the peer. */
const BY_CHAIN: readonly RefusalReason[] = ["signer", "delegation", "unknown", "inactive"];
/** What a message costs that comes faster than a peer may send. */
const FLOOD_POINTS = 1;
/** What it costs to send more bytes than a peer's share. */
const EXCESS_POINTS = 25;
/** A service that changed so recently may look different to an honest peer, milliseconds. */
const RECENT_MS = 120_000;
/** Services whose change is remembered. */
const MAX_RECENT = 10_000;

/** What became of a message from a peer. */
export type Verdict =
  | Exclude<Acceptance, { outcome: "refused" }>
  /** `fault`: the peer is to blame for it. */
  | { outcome: "refused"; reason: RefusalReason | "flood" | "failed"; fault: boolean };

export interface IntakeDependencies {
  book: Pick<RecordBook, "accept">;
  conduct: Conduct;
  /** The chain's time, Unix milliseconds. */
  now: () => number;
  monotonic: () => number;
  log: Logger;
  /** Counts what comes too fast. */
  flooded: () => void;
}

/** What peers send, by whichever protocol: limited for each of them, and held against them where it is bad. */
export class Intake {
  readonly #d: IntakeDependencies;
  readonly #limit: RateLimit;
  readonly #changed = new Map<bigint, number>();

  constructor(limits: RateLimitOptions, dependencies: IntakeDependencies) {
    this.#d = dependencies;
    this.#limit = new RateLimit(limits, dependencies.monotonic);
  }

  /** Notes that a service changed on chain: peers may have known before, or not know yet. */
  noteChange(number: bigint): void {
    this.#d.conduct.forgive(number);
    this.#changed.delete(number);
    this.#changed.set(number, this.#d.monotonic());
    if (this.#changed.size <= MAX_RECENT) return;
    const [oldest] = this.#changed.keys();
    if (oldest !== undefined) this.#changed.delete(oldest);
  }

  /** @param peer Undefined for the answer to a question of ours: then nobody is to blame. */
  async take(kind: MessageKind, encoded: Uint8Array, peer: string | undefined): Promise<Verdict> {
    if (peer !== undefined && this.#limit.take(peer) > 0) {
      this.#d.flooded();
      this.#d.conduct.blame(peer, FLOOD_POINTS);
      return { outcome: "refused", reason: "flood", fault: true };
    }
    let acceptance: Acceptance;
    try {
      acceptance = await this.#d.book.accept(kind, encoded);
    } catch (error) {
      this.#d.log.error("a message could not be checked", { error });
      return { outcome: "refused", reason: "failed", fault: false };
    }
    if (acceptance.outcome !== "refused") return acceptance;
    const { reason } = acceptance;
    const points = peer === undefined ? 0 : this.#pointsFor(acceptance, kind, encoded);
    if (peer !== undefined && points > 0) {
      this.#d.conduct.blame(
        peer,
        points,
        BY_CHAIN.includes(reason) ? acceptance.number : undefined,
      );
    }
    return { outcome: "refused", reason, fault: points > 0 };
  }

  /** Blames a peer for sending more bytes than its share. */
  blameExcess(peer: string): void {
    this.#d.flooded();
    this.#d.conduct.blame(peer, EXCESS_POINTS);
  }

  /** Blames a peer for what is no message at all. */
  blameMalformed(peer: string): void {
    this.#d.conduct.blame(peer, POINTS.malformed ?? 0);
  }

  #pointsFor(
    refusal: Acceptance & { outcome: "refused" },
    kind: MessageKind,
    encoded: Uint8Array,
  ): number {
    const { reason, error, number } = refusal;
    const points = POINTS[reason] ?? 0;
    if (reason === "expired" || reason === "ahead") {
      return isBorderline(kind, bytesToHex(encoded), this.#d.now()) ? 0 : points;
    }
    if (error.code === "DELEGATION_AHEAD") return 0;
    return number !== undefined && this.#changedLately(number) ? 0 : points;
  }

  #changedLately(number: bigint): boolean {
    const at = this.#changed.get(number);
    return at !== undefined && this.#d.monotonic() - at < RECENT_MS;
  }
}
