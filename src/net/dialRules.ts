import type { LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { isOwnAddress } from "../node/interfaces.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { isReachable } from "./addresses.ts";
import { isPortRefused } from "./ports.ts";
import { resolveHost, type Resolve } from "./resolve.ts";

export interface DialLimits {
  /** For a devnet: this host is allowed, by loopback and by its own addresses. */
  allowLoopback: boolean;
  /** Whether the operator configured the address. Then private networks are allowed, too. */
  anyAddress?: boolean;
}

/** Largest number of addresses of one name that are tried. */
const MAX_ADDRESSES = 8;

/**
 * The one place for the rules of what may be dialled, for auditor, resolver, client and proxy. An address is checked
 * after its name was resolved, and the connection goes to exactly the checked address, so DNS rebinding has no effect.
 * This host's own addresses are refused, public ones too: a service on the host may trust clients from inside.
 */
export class DialRules {
  readonly #limits: DialLimits;
  readonly #resolve: Resolve;
  readonly #isOwn: (address: string) => boolean;

  constructor(
    limits: DialLimits,
    resolve: Resolve = resolveHost,
    isOwn: (address: string) => boolean = isOwnAddress,
  ) {
    this.#limits = limits;
    this.#resolve = resolve;
    this.#isOwn = isOwn;
  }

  /**
   * Checks a host that may be an address, and its port, before a name is resolved.
   *
   * @param host Without brackets.
   * @throws BlockcloudError `NET_REFUSED`.
   */
  check(host: string, port: number): void {
    if (isPortRefused(port)) throw refused(`port ${port}`);
    if (isIP(host) !== 0 && !this.mayReach(host)) throw refused(host);
  }

  /** Whether an address may be connected to. */
  mayReach(address: string): boolean {
    const { anyAddress = false, allowLoopback } = this.#limits;
    if (anyAddress) return true;
    return isReachable(address, allowLoopback) && (allowLoopback || !this.#isOwn(address));
  }

  /**
   * The allowed addresses of a host, at most eight.
   *
   * @throws BlockcloudError `NET_REFUSED` if there is none; what the name servers say; or the signal's reason.
   */
  async addressesOf(host: string, signal: AbortSignal): Promise<LookupAddress[]> {
    const family = isIP(host);
    const found = family === 0 ? await this.#resolve(host, signal) : [{ address: host, family }];
    const open = found.filter(({ address }) => this.mayReach(address)).slice(0, MAX_ADDRESSES);
    if (open.length === 0) throw refused(host);
    return open;
  }

  /** The same for `lookup` of a socket. */
  lookup(signal: AbortSignal): LookupFunction {
    return (hostname, options, callback) => {
      this.addressesOf(hostname, signal).then(
        (open) => {
          const [first] = open;
          if (options.all === true) callback(null, open);
          else callback(null, first?.address ?? "", first?.family);
        },
        (error: unknown) => {
          callback(error instanceof Error ? error : new Error(String(error)), "", 0);
        },
      );
    };
  }
}

/** What to do about a target that must not be dialled. */
export const REFUSED_REMEDY =
  "A public service must publish a public address and an open port; --allow-loopback allows this host's own.";

/** The error of a target that must not be dialled. */
export function refused(what: string): BlockcloudError {
  return new BlockcloudError("NET_REFUSED", `Not connecting to ${what}.`, {
    remedy: REFUSED_REMEDY,
  });
}
