import type { RateLimitOptions } from "../node/rateLimit.ts";
import type { BookLimits } from "./bookOptions.ts";
import { defaultConductLimits, type ConductLimits } from "./conduct.ts";
import type { NetworkId } from "./wire.ts";

/** Bounds of a node towards its peers. */
export interface CoralLimits {
  /** Connections in all; beyond, the least useful are closed and no more are let in. */
  connections: number;
  /** Connections that one address may open a second. */
  inboundPerSecond: number;
  /** Peers whose addresses are kept. */
  knownPeers: number;
  /** New messages that a peer may push or store. */
  messages: RateLimitOptions;
  /** Bytes of look-ups and stores that a peer may send. */
  lookupBytes: RateLimitOptions;
  /** Bytes that a peer may push, copies of what is known included. */
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

/** How a node of the record network is set up. */
export interface CoralOptions extends NetworkId {
  /** Where its key and its version floors are kept; undefined for a node that forgets all with its end. */
  files?:
    | {
        /** Folder of the workers' state. */
        folder: string;
        /** Tells nodes of one folder apart: a worker's name, and the deployment's tag. */
        name: string;
      }
    | undefined;
  /** Multiaddrs to listen at; none for a node that only dials. */
  listen: readonly string[];
  /** Multiaddrs to tell others, where they are not those that it listens at. */
  announce?: readonly string[] | undefined;
  /** Multiaddrs of nodes to join by, dialled again whenever the connection is lost. */
  bootstrap: readonly string[];
  /** Whether it takes in what is pushed about every service; a node that only publishes need not. */
  subscribe: boolean;
  /**
   * For a node that cannot be reached: it asks the look-up store, and does not serve it. If not said, a
   * node is one while it has no public address, unless private ones are allowed.
   */
  clientMode?: boolean | undefined;
  /** Takes loopback and private addresses of peers; for tests and networks of one's own. */
  allowPrivate?: boolean | undefined;
  limits?: Partial<CoralLimits> | undefined;
  bookLimits?: Partial<BookLimits> | undefined;
}
