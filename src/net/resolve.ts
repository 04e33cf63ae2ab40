import type { LookupAddress } from "node:dns";
import { Resolver } from "node:dns/promises";

/** How long one name server may take, and how often it is asked. */
const QUERY = { timeout: 2_000, tries: 2 };

/** Finds the addresses of a name; rejects when there are none, or when the signal is aborted. */
export type Resolve = (hostname: string, signal: AbortSignal) => Promise<LookupAddress[]>;

/**
 * Asks name servers, and not the system's resolver: that one runs on a few threads which it shares with the
 * disk and cannot be called off, so that a stranger's name server that never answers would hold up all the
 * rest. Neither the hosts file nor search domains count, which public names do not need; `localhost` is what
 * RFC 6761 says it is.
 *
 * @param servers `address` or `address:port`; without them those that the system is configured with.
 */
export function createResolve(servers?: readonly string[]): Resolve {
  return async (hostname, signal) => {
    signal.throwIfAborted();
    if (/^(.*\.)?localhost\.?$/i.test(hostname)) return LOOPBACK;
    const resolver = new Resolver(QUERY);
    if (servers !== undefined) resolver.setServers(servers);
    const cancel = () => {
      resolver.cancel();
    };
    signal.addEventListener("abort", cancel, { once: true });
    try {
      return await bothFamilies(resolver, hostname);
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  };
}

/** The system's name servers. */
export const resolveHost: Resolve = createResolve();

const LOOPBACK: LookupAddress[] = [
  { address: "127.0.0.1", family: 4 },
  { address: "::1", family: 6 },
];

async function bothFamilies(resolver: Resolver, hostname: string): Promise<LookupAddress[]> {
  const [v4, v6] = await Promise.allSettled([
    resolver.resolve4(hostname),
    resolver.resolve6(hostname),
  ]);
  const found = [
    ...(v4.status === "fulfilled" ? v4.value : []).map((address) => ({ address, family: 4 })),
    ...(v6.status === "fulfilled" ? v6.value : []).map((address) => ({ address, family: 6 })),
  ];
  if (found.length > 0) return found;
  throw v4.status === "rejected" ? v4.reason : new Error(`${hostname} has no address`);
}
