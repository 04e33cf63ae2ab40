import type { Resolve } from "../../net/resolve.ts";
import { boundedTable, type BoundedTable } from "../../node/boundedTable.ts";
import type { Timers } from "../../node/timers.ts";
import { within } from "../../node/within.ts";
import { BlockcloudError } from "../../protocol/errors.ts";

export interface HostsOptions {
  /** How long a result is cached, milliseconds. */
  keepMs: number;
  /** Cached hosts. */
  maxHosts: number;
  /** Concurrent resolutions. */
  maxPending: number;
  /** Time limit of a resolution, milliseconds. */
  timeMs: number;
}

/** Largest number of addresses used of one host. */
const MAX_ADDRESSES = 8;

interface Kept {
  addresses: readonly string[];
  until: number;
}

/** Resolves and caches the addresses of hosts in records. Concurrent callers share one resolution. */
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
   * The addresses of a host; empty if it does not exist.
   *
   * @throws BlockcloudError `HOST_UNREACHABLE` if no name server responds, or too many resolutions are
   *   running.
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

/** Maps "the host has no address" to an empty result, and any other failure to an error. */
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
