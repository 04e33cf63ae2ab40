import { BlockList, isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { refused, type DialRules } from "../../net/dialRules.ts";
import { isPortRefused } from "../../net/ports.ts";
import type { Place } from "../transport/link.ts";
import { CandidateKind, type Candidate } from "./candidates.ts";

/** Lowest port of a direct path: a peer must not make this host knock at the services of others. */
const LEAST_PORT = 1_024;

/** Which places a peer or a relay may name for a direct path. */
export class DirectRules {
  readonly #rules: DialRules;
  readonly #lan: boolean;
  readonly #read: typeof networkInterfaces;

  /** @param lan Whether this host's own networks may be dialled, too. */
  constructor(rules: DialRules, lan: boolean, read: typeof networkInterfaces = networkInterfaces) {
    this.#rules = rules;
    this.#lan = lan;
    this.#read = read;
  }

  /** Whether paths within this host's own networks are wanted. */
  get lan(): boolean {
    return this.#lan;
  }

  /** Whether a candidate may be dialled. */
  allows({ kind, address, port }: Candidate): boolean {
    if (!isPort(port) || isIP(address) === 0) return false;
    if (kind === CandidateKind.lan) return this.#lan && this.#isNear(address);
    return this.#rules.mayReach(address);
  }

  /** The same for a place of any kind. */
  allowsPlace({ address, port }: Place): boolean {
    return isPort(port) && (this.#rules.mayReach(address) || (this.#lan && this.#isNear(address)));
  }

  /** @throws BlockcloudError `NET_REFUSED`. */
  check(place: Place): void {
    if (!this.allowsPlace(place)) throw refused(`${place.address} port ${place.port}`);
  }

  /** Whether an address is in a network of this host, and not the host's own or loopback. */
  #isNear(address: string): boolean {
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    const near = new BlockList();
    const own = new BlockList();
    for (const each of Object.values(this.#read()).flatMap((found) => found ?? [])) {
      const version = each.family === "IPv4" ? "ipv4" : "ipv6";
      const plain = each.address.replace(/%.*$/, "");
      own.addAddress(plain, version);
      const prefix = Number(each.cidr?.split("/")[1]);
      // A point-to-point link has no network, and a prefix of 0 is every address.
      if (each.internal || !(prefix >= 8)) continue;
      near.addSubnet(plain, prefix, version);
    }
    return near.check(address, family) && !own.check(address, family);
  }
}

function isPort(port: number): boolean {
  return port >= LEAST_PORT && !isPortRefused(port);
}
