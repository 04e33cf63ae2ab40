import type { Hex } from "viem";

/** Bounds of what a payer pays, BLOC in wei; undefined: none. */
export interface Cap {
  /** In a day, UTC. */
  day?: bigint | undefined;
  /** For ever. */
  ever?: bigint | undefined;
}

/** The caps of a wallet. All of them hold at the same time. */
export interface Caps {
  /** For all services together. */
  total?: Cap | undefined;
  /** For each service that has no cap of its own. */
  eachService?: Cap | undefined;
  /** Caps of services, by service ID. */
  services?: ReadonlyMap<Hex, Cap> | undefined;
}

/** A payment of a wallet: the vouchers of a tab on a day. */
export interface Payment {
  service: Hex;
  tab: Hex;
  /** UTC day, counted from the Unix epoch. */
  day: number;
  /** BLOC in wei. */
  amount: bigint;
}

/** A cap with what is left of it, BLOC in wei. */
export interface CapLeft {
  name: string;
  cap: bigint;
  left: bigint;
}

/** The UTC day of a moment (Unix seconds), counted from the Unix epoch. */
export function dayOf(seconds: number): number {
  return Math.floor(seconds / 86_400);
}

/** Adds up payments, and compares them with the caps. Amounts are never below what was signed. */
export class Spending {
  readonly #caps: Caps;
  readonly #ever = new Map<Hex, bigint>();
  readonly #today = new Map<Hex, bigint>();
  #day = 0;

  /** @param payments All payments of the wallet so far. */
  constructor(caps: Caps, payments: readonly Payment[]) {
    this.#caps = caps;
    for (const { day } of payments) this.#day = Math.max(this.#day, day);
    for (const payment of payments) this.#count(payment, payment.day === this.#day);
  }

  /** Counts a payment; a negative one for what was counted ahead and never signed. */
  add(payment: Payment): void {
    this.#enter(payment.day);
    // A clock that goes back stays on the later day, so that no cap is used twice.
    this.#count(payment, payment.amount > 0n || payment.day === this.#day);
  }

  /** The tightest cap of a service on a day; undefined if there is none. */
  tightest(service: Hex, day: number): CapLeft | undefined {
    this.#enter(day);
    const own = this.#caps.services?.get(service) ?? this.#caps.eachService;
    const total = this.#caps.total;
    return [
      capLeft("for this service in a day", own?.day, () => this.#today.get(service) ?? 0n),
      capLeft("for this service", own?.ever, () => this.#ever.get(service) ?? 0n),
      capLeft("for all services in a day", total?.day, () => sum(this.#today)),
      capLeft("for all services", total?.ever, () => sum(this.#ever)),
    ]
      .flatMap((each) => each ?? [])
      .reduce<CapLeft | undefined>((least, each) => {
        return least === undefined || each.left < least.left ? each : least;
      }, undefined);
  }

  #enter(day: number): void {
    if (day <= this.#day) return;
    this.#day = day;
    this.#today.clear();
  }

  #count({ service, amount }: Payment, isToday: boolean): void {
    this.#ever.set(service, (this.#ever.get(service) ?? 0n) + amount);
    if (isToday) this.#today.set(service, (this.#today.get(service) ?? 0n) + amount);
  }
}

function capLeft(name: string, cap: bigint | undefined, spent: () => bigint): CapLeft | undefined {
  if (cap === undefined) return undefined;
  const used = spent();
  return { name, cap, left: used > cap ? 0n : cap - used };
}

function sum(amounts: ReadonlyMap<Hex, bigint>): bigint {
  let all = 0n;
  for (const amount of amounts.values()) all += amount;
  return all;
}
