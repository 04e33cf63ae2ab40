import { networkOf } from "../../net/peer.ts";
import { relayOfVisitor } from "../relay/visitorName.ts";
import type { ProviderSession } from "./providerSession.ts";

/** What sessions without a link may take together; 0 for no limit of their number. */
export interface OrphanLimits {
  maxOrphans: number;
  maxOrphanBytes: number;
}

/** What the orphans of one source take. */
interface Share {
  count: number;
  bytes: number;
}

/**
 * Sessions that have lost their link, and may come back. When there are too many, the source that takes most gives up
 * its oldest one: a relay, which can tell any address of its visitors, thus loses its own sessions only.
 */
export class Orphans {
  readonly #limits: OrphanLimits;
  /** Since when, monotonic milliseconds; the oldest first. */
  readonly #since = new Map<ProviderSession, number>();

  constructor(limits: OrphanLimits) {
    this.#limits = limits;
  }

  add(session: ProviderSession, now: number): void {
    this.#since.set(session, now);
    this.#keepWithin();
  }

  delete(session: ProviderSession): void {
    this.#since.delete(session);
  }

  /**
   * Drops those that are too old.
   *
   * @param most How long one may be kept, milliseconds.
   */
  dropOld(now: number, most: (session: ProviderSession) => number): void {
    for (const [session, since] of [...this.#since]) {
      if (now - since >= most(session)) session.drop();
    }
  }

  /** Drops one for a client that is here, if there is any. */
  dropOne(): void {
    this.#dropOldest(this.#shares(), "count");
  }

  #keepWithin(): void {
    const { maxOrphans, maxOrphanBytes } = this.#limits;
    const shares = this.#shares();
    let bytes = 0;
    for (const share of shares.values()) bytes += share.bytes;
    for (;;) {
      const isMany = maxOrphans > 0 && this.#since.size > maxOrphans;
      const isHeavy = this.#since.size > 0 && bytes > maxOrphanBytes;
      if (!isMany && !isHeavy) return;
      bytes -= this.#dropOldest(shares, isMany ? "count" : "bytes");
    }
  }

  #shares(): Map<string, Share> {
    const shares = new Map<string, Share>();
    for (const session of this.#since.keys()) {
      const source = sourceOf(session);
      const { count, bytes } = shares.get(source) ?? { count: 0, bytes: 0 };
      shares.set(source, { count: count + 1, bytes: bytes + session.held });
    }
    return shares;
  }

  /** Drops the oldest one of the source that takes most; returns the bytes that it held. */
  #dropOldest(shares: Map<string, Share>, by: keyof Share): number {
    const largest = Math.max(...[...shares.values()].map((share) => share[by]));
    for (const session of this.#since.keys()) {
      const share = shares.get(sourceOf(session));
      if (share?.[by] !== largest) continue;
      const { held } = session;
      share.count -= 1;
      share.bytes -= held;
      session.drop();
      this.#since.delete(session);
      return held;
    }
    return 0;
  }
}

/** A relay as a whole, or a client's network: what one party can fill. */
function sourceOf({ peer }: ProviderSession): string {
  return relayOfVisitor(peer.address) ?? networkOf(peer.address);
}
