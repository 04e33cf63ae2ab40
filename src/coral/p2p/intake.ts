import { bytesToHex } from "../../protocol/bytes.ts";
import { boundedTable } from "../../node/boundedTable.ts";
import type { Logger } from "../../node/logger.ts";
import { RateLimit, type RateLimitOptions } from "../../node/rateLimit.ts";
import { isBorderline } from "../book/message.ts";
import type { Conduct } from "./conduct.ts";
import type { MessageKind } from "../network.ts";
import type { Acceptance, RecordBook } from "../book/recordBook.ts";
import type { RefusalReason } from "../book/refusal.ts";

/**
 * Penalty points for the sender of a refused message. Other reasons are not the sender's fault, or the fault
 * is not clear.
 */
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
/** Refusals that depend on the state of the service on chain: this node may be behind the peer. */
const BY_CHAIN: readonly RefusalReason[] = ["signer", "delegation", "unknown", "inactive"];
/** Points for a message above the peer's rate. */
const FLOOD_POINTS = 1;
/** Points for exceeding the peer's share of bytes. */
const EXCESS_POINTS = 25;
/** An honest peer may not yet know a change of a service that is more recent than this, milliseconds. */
const RECENT_MS = 120_000;
/** Services whose last change is stored. */
const MAX_RECENT = 10_000;

/** The outcome of a message from a peer. */
export type IntakeOutcome =
  | Exclude<Acceptance, { outcome: "refused" }>
  /** `fault`: the peer is at fault. */
  | { outcome: "refused"; reason: RefusalReason | "flood" | "failed"; fault: boolean };

export interface IntakeDependencies {
  book: Pick<RecordBook, "accept">;
  conduct: Conduct;
  /** The chain's time, Unix milliseconds. */
  now: () => number;
  monotonic: () => number;
  log: Logger;
  /** Counts messages above a peer's rate. */
  flooded: () => void;
}

/** Takes messages of peers from all protocols: limits their rate, and adds penalty points for bad ones. */
export class Intake {
  readonly #book: Pick<RecordBook, "accept">;
  readonly #conduct: Conduct;
  readonly #now: () => number;
  readonly #monotonic: () => number;
  readonly #log: Logger;
  readonly #flooded: () => void;
  readonly #limit: RateLimit;
  readonly #changed = boundedTable<bigint, number>(MAX_RECENT);

  constructor(limits: RateLimitOptions, dependencies: IntakeDependencies) {
    this.#book = dependencies.book;
    this.#conduct = dependencies.conduct;
    this.#now = dependencies.now;
    this.#monotonic = dependencies.monotonic;
    this.#log = dependencies.log;
    this.#flooded = dependencies.flooded;
    this.#limit = new RateLimit(limits, dependencies.monotonic);
  }

  /**
   * Notes that a service changed on chain: peers may have known the change earlier, or may not know it yet.
   */
  noteChange(number: bigint): void {
    this.#conduct.forgive(number);
    this.#changed.set(number, this.#monotonic());
  }

  /** @param peer Undefined for a response to this node's own query: then no peer is blamed. */
  async take(
    kind: MessageKind,
    encoded: Uint8Array,
    peer: string | undefined,
  ): Promise<IntakeOutcome> {
    if (peer !== undefined && this.#limit.take(peer) > 0) {
      this.#flooded();
      this.#conduct.blame(peer, FLOOD_POINTS);
      return { outcome: "refused", reason: "flood", fault: true };
    }
    let acceptance: Acceptance;
    try {
      acceptance = await this.#book.accept(kind, encoded);
    } catch (error) {
      this.#log.error("a message could not be checked", { error });
      return { outcome: "refused", reason: "failed", fault: false };
    }
    if (acceptance.outcome !== "refused") return acceptance;
    const { reason } = acceptance;
    const points = peer === undefined ? 0 : this.#pointsFor(acceptance, kind, encoded);
    if (peer !== undefined && points > 0) {
      this.#conduct.blame(peer, points, BY_CHAIN.includes(reason) ? acceptance.number : undefined);
    }
    return { outcome: "refused", reason, fault: points > 0 };
  }

  /** Blames a peer for sending more bytes than its share. */
  blameExcess(peer: string): void {
    this.#flooded();
    this.#conduct.blame(peer, EXCESS_POINTS);
  }

  /** Blames a peer for data that is not a message. */
  blameMalformed(peer: string): void {
    this.#conduct.blame(peer, POINTS.malformed ?? 0);
  }

  #pointsFor(
    refusal: Acceptance & { outcome: "refused" },
    kind: MessageKind,
    encoded: Uint8Array,
  ): number {
    const { reason, error, number } = refusal;
    const points = POINTS[reason] ?? 0;
    if (reason === "expired" || reason === "ahead") {
      return isBorderline(kind, bytesToHex(encoded), this.#now()) ? 0 : points;
    }
    if (error.code === "DELEGATION_AHEAD") return 0;
    return number !== undefined && this.#changedLately(number) ? 0 : points;
  }

  #changedLately(number: bigint): boolean {
    const at = this.#changed.get(number);
    return at !== undefined && this.#monotonic() - at < RECENT_MS;
  }
}
