import type { Resolve } from "../../net/resolve.ts";
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
  readonly #d: { resolve: Resolve; timers: Timers };
  /** The one that was asked for longest ago is first. */
  readonly #kept = new Map<string, Kept>();
  readonly #pending = new Map<string, Promise<readonly string[]>>();

  constructor(options: HostsOptions, dependencies: { resolve: Resolve; timers: Timers }) {
    this.#options = options;
    this.#d = dependencies;
  }

  /**
   * The addresses of a host; none for one that does not exist.
   *
   * @throws BlockcloudError `HOST_UNREACHABLE` when no name server answers, or too many hosts are asked for.
   */
  async addresses(host: string): Promise<readonly string[]> {
    const kept = this.#kept.get(host);
    if (kept !== undefined && kept.until > this.#d.timers.monotonic()) return kept.addresses;
    const pending = this.#pending.get(host);
    if (pending !== undefined) return pending;
    if (this.#pending.size >= this.#options.maxPending) throw unreachable(host, "busy");
    const asking = this.#ask(host).finally(() => this.#pending.delete(host));
    this.#pending.set(host, asking);
    return asking;
  }

  async #ask(host: string): Promise<readonly string[]> {
    const { keepMs, maxHosts, timeMs } = this.#options;
    const { resolve, timers } = this.#d;
    const addresses = await within(
      { milliseconds: timeMs, timers },
      (signal) => resolve(host, signal).catch(noneOrThrow(host)),
      () => unreachable(host, "no answer in time"),
    );
    const found = addresses.slice(0, MAX_ADDRESSES).map(({ address }) => address);
    this.#kept.delete(host);
    this.#kept.set(host, { addresses: found, until: timers.monotonic() + keepMs });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > maxHosts && oldest !== undefined) this.#kept.delete(oldest);
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
