import { networkOf, peerOf } from "../net/peer.ts";
import { boundedTable, type BoundedTable } from "../node/boundedTable.ts";
import { BlockcloudError } from "../protocol/errors.ts";

/** What a priced service gives away in an epoch; each has a default. A peer is an IPv4 address or an IPv6 /64. */
export interface AllowanceOptions {
  /** Requests of a peer. */
  requests?: number;
  /** Bytes of a peer, in both directions. */
  bytes?: number;
  /** How many peers' allowances a network (/24, or /48 of IPv6) may use up. */
  peersOfNetwork?: number;
  /** Bytes of all peers together; 0 for no limit. */
  totalBytes?: number;
  /** Peers and networks that are remembered. */
  maxPeers?: number;
}

export type AllowanceValues = Readonly<Required<AllowanceOptions>>;

const MIB = 1_048_576;
/** An auditor inspects a service three times in an epoch. */
const INSPECTIONS = 3;
/** Heads of a request and of its response, 16 KiB each at most, and the framing of a body in chunks. */
const HEADS = 64 * 1024;

const DEFAULTS: AllowanceValues = {
  requests: INSPECTIONS,
  bytes: INSPECTIONS * (MIB + HEADS),
  peersOfNetwork: 16,
  totalBytes: 64 * 1024 * MIB,
  maxPeers: 100_000,
};

interface Used {
  requests: number;
  bytes: number;
}

/** What peers and networks have used: the name of each, requests, bytes. */
export type AllowanceUses = [name: string, requests: number, bytes: number][];

/** What another process is told of an allowance. */
export interface AllowanceTold {
  epoch: number;
  /** `sums`: all that was used in the epoch; `more`: what was used since. */
  kind: "sums" | "more";
  /** Bytes of all peers together. */
  total: number;
  uses: AllowanceUses;
}

/** Most peers and networks whose sums another process is told, those that came last, and how many at once. */
const MOST_TOLD = 10_000;
export const USES_AT_ONCE = 1_000;

/**
 * What a priced service serves without payment, so that auditors, who do not pay, can inspect it like any other: for
 * each peer three answers of 1 MiB in an epoch, on any path. The SAL and HTTP draw on the same allowance.
 *
 * A request that the allowance grants may find no bytes left; bytes may be left after the last request.
 */
export class FreeAllowance {
  readonly #values: AllowanceValues;
  readonly #epoch: () => number;
  /** By peer and by network; their texts differ. The table forgets the one that was silent longest. */
  readonly #used: BoundedTable<string, Used>;
  #current: number;
  #total = 0;
  #tell: ((told: AllowanceTold) => void) | undefined;

  /**
   * @param epoch The current epoch, by the chain's time.
   * @throws BlockcloudError `CASHIER_ALLOWANCE`.
   */
  constructor(options: AllowanceOptions, epoch: () => number) {
    this.#values = allowanceValues(options);
    this.#epoch = epoch;
    this.#used = boundedTable(this.#values.maxPeers);
    this.#current = epoch();
  }

  get values(): AllowanceValues {
    return this.#values;
  }

  /** Takes a request of an address; false if none is left. */
  takeRequest(address: string): boolean {
    this.#enter();
    const { requests, peersOfNetwork } = this.#values;
    const [peer, network] = this.#both(address);
    if (peer.requests >= requests || network.requests >= requests * peersOfNetwork) return false;
    this.#change(address, 1, 0);
    return true;
  }

  /** Takes up to a number of bytes of an address; returns how many were left. */
  takeBytes(address: string, wanted: number): number {
    this.#enter();
    const { bytes, peersOfNetwork, totalBytes } = this.#values;
    const [peer, network] = this.#both(address);
    const inTotal = totalBytes === 0 ? Infinity : totalBytes - this.#total;
    const left = Math.min(bytes - peer.bytes, bytes * peersOfNetwork - network.bytes, inTotal);
    const taken = Math.max(0, Math.min(wanted, left));
    if (taken > 0) this.#change(address, 0, taken);
    return taken;
  }

  /** Gives back bytes that were taken and not used. If the epoch has changed since, they are gone. */
  giveBack(address: string, bytes: number): void {
    this.#enter();
    const [peer, network] = this.#both(address);
    this.#change(address, 0, -Math.min(bytes, peer.bytes, network.bytes));
  }

  /**
   * Another process has the allowance from now on: it is told what was used, and what is used here from here on. What is
   * used there, this process does not know: to those that it still serves it gives what was left to them.
   */
  tellTo(tell: ((told: AllowanceTold) => void) | undefined): void {
    this.#tell = tell;
    if (tell === undefined) return;
    this.#enter();
    const all: AllowanceUses = [];
    for (const [name, { requests, bytes }] of this.#used.entries()) {
      if (all.length >= MOST_TOLD) break;
      all.push([name, requests, bytes]);
    }
    for (let at = 0; at < all.length; at += USES_AT_ONCE) {
      const uses = all.slice(at, at + USES_AT_ONCE);
      tell({ epoch: this.#current, kind: "sums", total: this.#total, uses });
    }
  }

  /** Counts what another process has given, which had the allowance before, or still serves some peers. */
  count({ epoch, kind, total, uses }: AllowanceTold): void {
    this.#enter();
    // The other process may have seen the block with which an epoch begins a moment earlier.
    if (epoch === this.#current + 1) this.#begin(epoch);
    if (epoch !== this.#current) return;
    // Several processes tell the sums, and each knows a part of the same uses.
    const sum = (own: number, told: number) =>
      kind === "sums" ? Math.max(own, told) : Math.max(0, own + told);
    this.#total = sum(this.#total, total);
    for (const [name, requests, bytes] of uses) {
      const used = this.#of(name);
      used.requests = sum(used.requests, requests);
      used.bytes = sum(used.bytes, bytes);
    }
  }

  #change(address: string, requests: number, bytes: number): void {
    const uses: AllowanceUses = [
      [peerOf(address), requests, bytes],
      [networkOf(address), requests, bytes],
    ];
    for (const [name] of uses) {
      const used = this.#of(name);
      used.requests += requests;
      used.bytes += bytes;
    }
    this.#total += bytes;
    this.#tell?.({ epoch: this.#current, kind: "more", total: bytes, uses });
  }

  #both(address: string): [Used, Used] {
    return [this.#of(peerOf(address)), this.#of(networkOf(address))];
  }

  #of(key: string): Used {
    const known = this.#used.get(key);
    if (known !== undefined) return known;
    const used = { requests: 0, bytes: 0 };
    this.#used.set(key, used);
    return used;
  }

  #enter(): void {
    const epoch = this.#epoch();
    // A clock that goes back gives nothing twice.
    if (epoch > this.#current) this.#begin(epoch);
  }

  #begin(epoch: number): void {
    this.#current = epoch;
    this.#used.clear();
    this.#total = 0;
  }
}

function allowanceValues(options: AllowanceOptions): AllowanceValues {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const values = { ...DEFAULTS, ...(Object.fromEntries(given) as AllowanceOptions) };
  for (const [name, value] of Object.entries(values)) {
    const least = name === "maxPeers" || name === "peersOfNetwork" ? 1 : 0;
    if (Number.isSafeInteger(value) && value >= least) continue;
    throw new BlockcloudError(
      "CASHIER_ALLOWANCE",
      `${name} of the free allowance is ${String(value)}, not a whole number of ${least} or more.`,
      { remedy: "Correct the option." },
    );
  }
  return values;
}
