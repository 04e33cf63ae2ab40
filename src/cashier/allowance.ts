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
    peer.requests += 1;
    network.requests += 1;
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
    this.#change(peer, network, taken);
    return taken;
  }

  /** Gives back bytes that were taken and not used. If the epoch has changed since, they are gone. */
  giveBack(address: string, bytes: number): void {
    this.#enter();
    const [peer, network] = this.#both(address);
    this.#change(peer, network, -Math.min(bytes, peer.bytes, network.bytes));
  }

  #change(peer: Used, network: Used, bytes: number): void {
    peer.bytes += bytes;
    network.bytes += bytes;
    this.#total += bytes;
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
    if (epoch <= this.#current) return;
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
