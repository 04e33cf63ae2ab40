import type { RateLimitOptions } from "../node/rateLimit.ts";
import type { BookLimits } from "./book/options.ts";
import { defaultConductLimits, type ConductLimits } from "./p2p/conduct.ts";
import type { NetworkId } from "./p2p/wire.ts";

/** Limits of a node towards its peers. */
export interface CoralLimits {
  /** Total connections. Above this, the least useful are closed and no new ones are accepted. */
  connections: number;
  /** Connections that one address may open per second. */
  inboundPerSecond: number;
  /** Peers whose addresses are stored. */
  knownPeers: number;
  /** New messages that a peer may push or store. */
  messages: RateLimitOptions;
  /** Bytes of lookups and stores that a peer may send. */
  lookupBytes: RateLimitOptions;
  /** Bytes that a peer may push, copies of known messages included. */
  pushBytes: RateLimitOptions;
  conduct: ConductLimits;
}

export const defaultCoralLimits: CoralLimits = {
  connections: 200,
  inboundPerSecond: 32,
  knownPeers: 5_000,
  messages: { perSecond: 500, burst: 2_000, maxPeers: 10_000 },
  lookupBytes: { perSecond: 256 * 1024, burst: 2 * 1024 * 1024, maxPeers: 10_000 },
  pushBytes: { perSecond: 4 * 1024 * 1024, burst: 32 * 1024 * 1024, maxPeers: 10_000 },
  conduct: defaultConductLimits,
};

/** Options of a node of the record network. */
export interface CoralOptions extends NetworkId {
  /** Where the node keeps its key and version floors; undefined for a node without state on disk. */
  files?:
    | {
        /** Folder of the workers' state. */
        folder: string;
        /** Distinguishes the nodes of one folder: a worker's name, and the deployment's tag. */
        name: string;
      }
    | undefined;
  /** Multiaddrs to listen on; none for a node that only dials. */
  listen: readonly string[];
  /** Multiaddrs to announce to other nodes, if they differ from those that it listens on. */
  announce?: readonly string[] | undefined;
  /** Multiaddrs of bootstrap nodes; dialled again whenever the connection is lost. */
  bootstrap: readonly string[];
  /** Whether it receives pushed messages about all services. A node that only publishes need not. */
  subscribe: boolean;
  /**
   * For a node that is not reachable: it queries the lookup store and does not serve it. By default, a node
   * is in this mode while it has no public address, unless private addresses are allowed.
   */
  clientMode?: boolean | undefined;
  /** Accepts loopback and private addresses of peers; for tests and private networks. */
  allowPrivate?: boolean | undefined;
  limits?: Partial<CoralLimits> | undefined;
  bookLimits?: Partial<BookLimits> | undefined;
}
