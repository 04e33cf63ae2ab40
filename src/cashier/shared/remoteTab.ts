import type { Address, Hex } from "viem";
import { redemptionFromJson } from "../json.ts";
import type { Redemption } from "../../protocol/voucher.ts";
import type { ChargeKind, CollectorTab, TabShare } from "../tabs.ts";
import type { Holding, HoldingJson, TabState } from "./messages.ts";

/** What a remote tab tells the process that keeps its books. */
export interface RemoteHost {
  charge(tab: RemoteTab, amount: bigint, by: ChargeKind): void;
  want(tab: RemoteTab, amount: bigint): void;
  giveBack(tab: RemoteTab, amount: bigint, by: ChargeKind): void;
  reveal(tab: RemoteTab, redemption: Redemption): void;
  credit(redemption: Redemption): Promise<void>;
}

/** A tab whose books another process keeps: what is known of it, and this process's share. BLOC in wei. */
export class RemoteTab implements CollectorTab, TabShare {
  readonly tab: Hex;
  readonly payer: Address;
  readonly signer: Address;
  readonly salt: Hex;
  limit: bigint;
  expiresAt: number;
  paid: bigint;
  last: Redemption | undefined;
  revealed: bigint;
  session = 0n;
  request = 0n;
  readonly #host: RemoteHost;
  readonly #listeners = new Set<(error: Error) => void>();
  #end: Error | undefined;
  /** As the books had it, with `#seen` of what was charged here. */
  #charged: bigint;
  #seen = 0n;
  /** What was charged here since the books have changed hands. */
  #own = 0n;
  /** What the process that has closed the books did not count. */
  #unsent = 0n;
  #isAsking = false;

  constructor(known: Omit<TabState, "seen" | "more" | "last">, host: RemoteHost) {
    const { tab, payer, signer, salt, limit, expiresAt, charged, paid, revealed } = known;
    this.#host = host;
    this.tab = tab;
    this.payer = payer;
    this.signer = signer;
    this.salt = salt;
    this.limit = limit;
    this.expiresAt = expiresAt;
    this.paid = paid;
    this.revealed = revealed;
    this.#charged = charged;
  }

  get charged(): bigint {
    return this.#charged + this.#own - this.#seen + this.#unsent;
  }

  get share(): TabShare {
    return this;
  }

  charge(amount: bigint, by: ChargeKind = "session"): void {
    this.#own += amount;
    // What was used beyond the share was promised before: it counts all the same.
    this[by] = this[by] > amount ? this[by] - amount : 0n;
    this.#host.charge(this, amount, by);
  }

  credit(redemption: Redemption): Promise<void> {
    return this.#host.credit(redemption);
  }

  reveal(redemption: Redemption): void {
    const { cumulative } = redemption.voucher;
    if (cumulative <= this.revealed) return;
    this.revealed = cumulative;
    this.#host.reveal(this, redemption);
  }

  onEnd(listener: (error: Error) => void): () => void {
    if (this.#end !== undefined) {
      listener(this.#end);
      return () => undefined;
    }
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  want(amount: bigint): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#host.want(this, amount);
  }

  done(by: ChargeKind): void {
    const rest = this[by];
    if (rest === 0n) return;
    this[by] = 0n;
    this.#host.giveBack(this, rest, by);
  }

  /** The books say how the tab stands. */
  see({ limit, expiresAt, charged, paid, revealed, last, seen, more }: TabState): void {
    this.limit = limit;
    this.expiresAt = expiresAt;
    this.paid = paid;
    if (revealed > this.revealed) this.revealed = revealed;
    this.last = last === undefined ? undefined : redemptionFromJson(last);
    this.#charged = charged;
    this.#seen = seen;
    if (more === 0n) return;
    this.session += more;
    this.#isAsking = false;
  }

  end(error: Error): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    for (const listener of [...this.#listeners]) listener(error);
    this.#listeners.clear();
  }

  /**
   * The books have changed hands, or their process has died.
   *
   * @param seen What that process has counted of this one's charges; undefined if it has died: what it did not count is
   *   the payer's then.
   */
  closed(seen: bigint | undefined): void {
    this.#charged += this.#own - this.#seen;
    this.#unsent += seen === undefined ? 0n : this.#own - seen;
    if (seen !== undefined) this.#charged -= this.#own - seen;
    this.#own = 0n;
    this.#seen = 0n;
    this.#isAsking = false;
  }

  /** What the process must know that keeps the books from now on. */
  hold(): Holding {
    const { payer, tab, session, request } = this;
    // What was charged while no process kept the books was not sent.
    const unsent = this.#unsent + this.#own;
    this.#charged += unsent;
    this.#unsent = 0n;
    this.#own = 0n;
    // What was asked meanwhile, nobody has heard.
    this.#isAsking = false;
    return { payer, tab, session, request, unsent };
  }
}

/** A holding as JSON. */
export function holdingJson({ payer, tab, session, request, unsent }: Holding): HoldingJson {
  return {
    ...{ payer, tab },
    ...{ session: String(session), request: String(request), unsent: String(unsent) },
  };
}
