import type { Resolve } from "../../net/resolve.ts";
import { boundedTable, type BoundedTable } from "../../node/boundedTable.ts";
import type { Timers } from "../../node/timers.ts";
import { within } from "../../node/within.ts";
import { BlockcloudError } from "../../protocol/errors.ts";

export interface HostsOptions {
  /** How long an answer is kept, milliseconds. */
  keepMs: number;
  /** Hosts that are kept. */
  maxHosts: number;
  /** Hosts that are asked for at a time. */
  maxPending: number;
  /** How long one may take, milliseconds. */
  timeMs: number;
}

/** Addresses of one host that are used. */
const MAX_ADDRESSES = 8;

interface Kept {
  addresses: readonly string[];
  until: number;
}

/** Addresses of the hosts in records: asked for once at a time, and kept for a while. */
export class Hosts {
  readonly #options: HostsOptions;
  readonly #timers: { resolve: Resolve; timers: Timers }["timers"];
  readonly #resolve: { resolve: Resolve; timers: Timers }["resolve"];
  readonly #kept: BoundedTable<string, Kept>;
  readonly #pending = new Map<string, Promise<readonly string[]>>();

  constructor(options: HostsOptions, dependencies: { resolve: Resolve; timers: Timers }) {
    this.#options = options;
    this.#kept = boundedTable(options.maxHosts);
    this.#timers = dependencies.timers;
    this.#resolve = dependencies.resolve;
  }

  /**
   * The addresses of a host; none for one that does not exist.
   *
   * @throws BlockcloudError `HOST_UNREACHABLE` when no name server answers, or too many hosts are asked for.
   */
  async addresses(host: string): Promise<readonly string[]> {
    const kept = this.#kept.get(host);
    if (kept !== undefined && kept.until > this.#timers.monotonic()) return kept.addresses;
    const pending = this.#pending.get(host);
    if (pending !== undefined) return pending;
    if (this.#pending.size >= this.#options.maxPending) throw unreachable(host, "busy");
    const asking = this.#ask(host).finally(() => this.#pending.delete(host));
    this.#pending.set(host, asking);
    return asking;
  }

  async #ask(host: string): Promise<readonly string[]> {
    const { keepMs, timeMs } = this.#options;
    const resolve = this.#resolve;
    const timers = this.#timers;
    const addresses = await within(
      { milliseconds: timeMs, timers },
      (signal) => resolve(host, signal).catch(noneOrThrow(host)),
      () => unreachable(host, "no answer in time"),
    );
    const found = addresses.slice(0, MAX_ADDRESSES).map(({ address }) => address);
    this.#kept.set(host, { addresses: found, until: timers.monotonic() + keepMs });
    return found;
  }
}

/** That a host has no address is an answer; that nobody says is none. */
function noneOrThrow(host: string): (error: unknown) => never[] {
  return (error) => {
    const code = (error as NodeJS.ErrnoException | undefined)?.code;
    if (code === "ENOTFOUND" || code === "ENODATA") return [];
    throw unreachable(host, code ?? "failed", error);
  };
}

function unreachable(host: string, why: string, cause?: unknown): BlockcloudError {
  return new BlockcloudError("HOST_UNREACHABLE", `Cannot resolve ${host}: ${why}.`, {
    cause,
    retryable: true,
  });
}
