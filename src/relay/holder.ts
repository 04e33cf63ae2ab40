import { randomBytes } from "node:crypto";
import type { Address, Hex } from "viem";
import type { Scheduler } from "../node/scheduler.ts";
import type { ControlLink } from "../sal/relay/controlLink.ts";
import { RelayFrame, TOKEN_BYTES } from "../sal/relay/frames.ts";
import type { Carrier } from "./carrier.ts";
import type { Share } from "./share.ts";

/** Connections that wait for visitors to come, so that none waits for a further round trip. */
export const SPARES = 2;
/** How long a token works, milliseconds. */
const TOKEN_MS = 10_000;
/** Pause before a connection that was used is replaced, milliseconds. */
const LATER_MS = 20;
/** Pause after a provider has declined a spare connection, milliseconds. */
const DECLINED_MS = 1_000;

/** Who waits for a connection of a provider. */
export interface Waiting {
  /** A connection is there. */
  given(carrier: Carrier): void;
  /** Another holder has the reservation from now on; the visitor waits there. */
  moved(holder: Holder): void;
  /** None comes. */
  none(why: "unknown" | "quota"): void;
}

/** The tokens of all reservations. */
export interface Tokens {
  issue(token: Buffer, holder: Holder): void;
  revoke(token: Buffer): void;
}

export interface HolderParts {
  serviceId: Hex;
  /** 16 hexadecimal digits. */
  instance: string;
  control: ControlLink;
  /** Of the MAC over visitors' addresses. */
  key: Buffer;
  /** Of the provider's peer. */
  share: Share;
  /** The root service's key, by which the reservation was checked. */
  rootKey: Address;
}

/** A reservation: an instance of a service that the relay leads visitors to, and its waiting connections. */
export class Holder {
  readonly parts: HolderParts;
  readonly #tokens: Tokens;
  readonly #clock: Scheduler;
  readonly #issued = new Map<string, () => void>();
  readonly #spares: Carrier[] = [];
  readonly #waiting: Waiting[] = [];
  #isOver = false;
  #next: Holder | undefined;
  #rest: (() => void) | undefined;
  #later: (() => void) | undefined;

  constructor(parts: HolderParts, tokens: Tokens, clock: Scheduler) {
    this.parts = parts;
    this.#tokens = tokens;
    this.#clock = clock;
  }

  /** The provider's address. */
  get address(): string {
    return this.parts.control.link.peer.address;
  }

  get spares(): number {
    return this.#spares.length;
  }

  /** Asks for as many connections as are needed. */
  replenish(): void {
    if (this.#isOver) return;
    const spares = this.#rest === undefined ? SPARES - this.#spares.length : 0;
    while (this.#issued.size < this.#waiting.length + spares) this.#issue();
  }

  /** A connection for a visitor: one that waits, or the next one that comes. Give it back by {@link forget}. */
  request(visitor: Waiting): void {
    if (this.#isOver) {
      this.#passOn(visitor);
      return;
    }
    const spare = this.#spares.shift();
    if (spare === undefined) {
      this.#waiting.push(visitor);
      this.replenish();
      return;
    }
    visitor.given(spare);
    // Not at once: the provider is greeting the visitor.
    this.#later ??= this.#clock.after(LATER_MS, () => {
      this.#later = undefined;
      this.replenish();
    });
  }

  /** A visitor waits no longer. */
  forget(visitor: Waiting): void {
    const at = this.#waiting.indexOf(visitor);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  /** A connection came with one of the tokens. */
  arrived(token: Buffer, carrier: Carrier): void {
    this.#settle(token);
    if (this.#isOver) {
      carrier.destroy();
      return;
    }
    const visitor = this.#waiting.shift();
    if (visitor !== undefined) {
      visitor.given(carrier);
      return;
    }
    // As many as were asked for may come, if visitors have left.
    if (this.#spares.length >= SPARES) {
      carrier.destroy();
      return;
    }
    this.#spares.push(carrier);
    carrier.onClose(() => {
      const at = this.#spares.indexOf(carrier);
      if (at < 0) return;
      this.#spares.splice(at, 1);
      this.replenish();
    });
  }

  /** The provider opens no connection for a token. */
  declined(token: Buffer): void {
    if (!this.#settle(token)) return;
    this.#waiting.shift()?.none("quota");
    // It has no room now; do not ask in a circle.
    this.#rest ??= this.#clock.after(DECLINED_MS, () => {
      this.#rest = undefined;
      this.replenish();
    });
  }

  /**
   * The reservation is over. Visitors that have reached the provider stay.
   *
   * @param next Has the reservation from now on, and those who wait.
   */
  end(next?: Holder): void {
    this.#isOver = true;
    this.#rest?.();
    this.#later?.();
    for (const token of [...this.#issued.keys()]) this.#settle(Buffer.from(token, "latin1"));
    for (const spare of this.#spares.splice(0)) spare.destroy();
    this.#next ??= next;
    for (const visitor of this.#waiting.splice(0)) this.#passOn(visitor);
  }

  #passOn(visitor: Waiting): void {
    if (this.#next === undefined) visitor.none("unknown");
    else visitor.moved(this.#next);
  }

  #issue(): void {
    const token = randomBytes(TOKEN_BYTES);
    const cancel = this.#clock.after(TOKEN_MS, () => {
      this.#settle(token);
      this.replenish();
    });
    this.#issued.set(token.toString("latin1"), cancel);
    this.#tokens.issue(token, this);
    this.parts.control.send(RelayFrame.open, token);
  }

  /** A token is used or over; false if it was before. */
  #settle(token: Buffer): boolean {
    const name = token.toString("latin1");
    const cancel = this.#issued.get(name);
    if (cancel === undefined) return false;
    cancel();
    this.#issued.delete(name);
    this.#tokens.revoke(token);
    return true;
  }
}
