import type { LookupAddress } from "node:dns";
import { Resolver } from "node:dns/promises";

/** Time limit of a query to one name server, and number of tries. */
const QUERY = { timeout: 2_000, tries: 2 };

/** Finds the addresses of a name; rejects if there are none, or if the signal is aborted. */
export type Resolve = (hostname: string, signal: AbortSignal) => Promise<LookupAddress[]>;

/**
 * Queries name servers directly instead of the system's resolver. The system's resolver shares a few threads
 * with disk access and cannot be cancelled, so a stranger's name server that never responds would block all
 * other work. The hosts file and search domains are ignored, because public names do not need them;
 * `localhost` has the meaning of RFC 6761.
 *
 * @param servers `address` or `address:port`; without them, those of the system's configuration.
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
