import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { inRanges, type Cidr } from "./cidr.ts";
import { isAuthority } from "../node/http/host.ts";
import { plainAddress } from "./peer.ts";

/** The client of a request, as far as trusted proxies name it. */
export interface Client {
  /** The address to which limits apply. */
  address: string;
  /** The client, then the proxies between, for X-Forwarded-For; all but the first are trusted. */
  hops: readonly string[];
  /** The scheme that the client used. */
  scheme: "http" | "https";
  /** The host that the client addressed, if a trusted proxy tells another than the request. */
  host: string | undefined;
}

/** The parts of a request that this needs. */
type Request = Pick<IncomingMessage, "headers"> & {
  socket: { remoteAddress?: string | undefined };
};

/** What a proxy says about the request that it received. */
interface Claim {
  address: string | undefined;
  scheme: string | undefined;
  host: string | undefined;
}

/** Claims beyond this many are not read; real chains have a few. */
const MAX_HOPS = 16;
/** Longest field that is read, characters: room for all hops. */
const MAX_CHARACTERS = 2_048;

/**
 * The proxies in front of a server that the operator trusts. Only what they say about a client counts; anyone
 * can send the same fields.
 *
 * A chain is read from the right, where the nearest proxy has appended the address that it saw, up to the
 * first address that is not trusted. Everything further left is that client's own text.
 */
export class TrustedProxies {
  readonly #ranges: readonly Cidr[];
  readonly #isIn: (address: string) => boolean;

  constructor(ranges: readonly Cidr[]) {
    this.#ranges = ranges;
    this.#isIn = inRanges(ranges);
  }

  /** Whether a peer is one of the proxies. */
  trusts(address: string): boolean {
    return this.#ranges.length > 0 && this.#isIn(address);
  }

  /** The client of a request. */
  clientOf(request: Request): Client {
    const peer = plainAddress(request.socket.remoteAddress);
    const direct: Client = { address: peer, hops: [peer], scheme: "http", host: undefined };
    if (!this.trusts(peer)) return direct;
    const { headers } = request;
    const common = commonClaims(headers);
    const standard = standardClaims(headers);
    const read = this.#follow(direct, common.length > 0 ? common : standard);
    if (common.length === 0 || standard.length === 0) return read;
    // A proxy sets one of the two and may pass on the other, as a client has written it. If they contradict
    // each other, it cannot be told which address is the proxy's, and limits must apply to the proxy.
    const other = this.#follow(direct, standard);
    const agree = read.address === other.address || standard.every(({ address }) => !address);
    return agree ? read : { ...read, address: peer, hops: direct.hops };
  }

  #follow(direct: Client, claims: readonly Claim[]): Client {
    const hops = [...direct.hops];
    let at = claims.length;
    while (at > 0 && this.trusts(hops[0] ?? "")) {
      const { address } = claims[at - 1] ?? {};
      // A proxy that hides the address is as far as it can be followed.
      if (address === undefined) break;
      hops.unshift(address);
      at -= 1;
    }
    const { scheme, host } = claims[Math.min(at, claims.length - 1)] ?? {};
    return {
      address: hops[0] ?? direct.address,
      hops,
      scheme: scheme?.toLowerCase() === "https" ? "https" : "http",
      host: host !== undefined && isAuthority(host) ? host : undefined,
    };
  }
}

/** X-Forwarded-For, -Proto and -Host, aligned at the right; a field with one value holds for all proxies. */
function commonClaims(headers: IncomingMessage["headers"]): Claim[] {
  const [addresses, schemes, hosts] = ["for", "proto", "host"].map((name) => {
    const value = headers[`x-forwarded-${name}`];
    return value === undefined ? [] : itemsOf(String(value));
  }) as [string[], string[], string[]];
  const length = Math.max(addresses.length, schemes.length, hosts.length);
  return Array.from({ length }, (_, at) => {
    const fromRight = length - at;
    return {
      address: addressIn(addresses.at(-fromRight)),
      scheme: schemes.at(-fromRight) ?? schemes[0],
      host: hosts.at(-fromRight) ?? hosts[0],
    };
  });
}

/** Forwarded (RFC 7239, 4). */
function standardClaims(headers: IncomingMessage["headers"]): Claim[] {
  const text = headers.forwarded ?? "";
  if (text.length > MAX_CHARACTERS) return [];
  const elements = text.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? [];
  return elements.slice(-MAX_HOPS).map((element) => {
    const pairs = new Map<string, string>();
    for (const part of element.match(/(?:[^;"]|"(?:[^"\\]|\\.)*")+/g) ?? []) {
      const [, name = "", token = "", quoted] =
        /^\s*([\w!#$%&'*+.^`|~-]+)=([^\s"]*|"((?:[^"\\]|\\.)*)")\s*$/.exec(part) ?? [];
      pairs.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, "$1") ?? token);
    }
    return {
      address: addressIn(pairs.get("for")),
      scheme: pairs.get("proto"),
      host: pairs.get("host"),
    };
  });
}

function itemsOf(list: string): string[] {
  return list
    .split(",")
    .map((item) => item.trim())
    .slice(-MAX_HOPS);
}

/** The address of a hop, perhaps with brackets and a port; undefined for a hidden or malformed one. */
function addressIn(text: string | undefined): string | undefined {
  const [, bracketed, v4, bare] =
    /^(?:\[([0-9a-f:.]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+)(?::\d+)?|([0-9a-f:.]+))$/i.exec(
      text ?? "",
    ) ?? [];
  const address = plainAddress(bracketed ?? v4 ?? bare ?? "");
  return isIP(address) === 0 ? undefined : address.toLowerCase();
}
