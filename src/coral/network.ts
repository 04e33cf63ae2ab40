import type { Address, Hex } from "viem";
import type { VerifiedRecord } from "../protocol/checkRecord.ts";
import type { Revocation } from "../protocol/delegation.ts";
import type { NameRecord } from "../protocol/nameRecord.ts";

/** The state of a root service on chain that checks of records need. */
export interface RootKey {
  /** The newest key. A key that was replaced is void from that moment on. */
  key: Address;
  /** Whether the service is active by its newest status. */
  active: boolean;
}

/** Who may sign for a service. Implemented by the chain's `ServiceDirectory`. */
export interface Authority {
  /**
   * Reads from a cache that the registry's events invalidate. Concurrent calls for one service share one
   * read.
   *
   * @returns Undefined if the service does not exist.
   * @throws BlockcloudError, retryable, if the chain cannot be read.
   */
  rootKey(number: bigint, signal?: AbortSignal): Promise<RootKey | undefined>;
  /**
   * Calls back when a service's key, status or owner may have changed. Returns a function that removes the
   * listener.
   */
  onChange(listener: (number: bigint) => void): () => void;
}

/** A kind of message that the network carries. */
export type MessageKind = "endpoint" | "name" | "revocation";

/** A name record that was verified with the root's key. */
export interface VerifiedName {
  encoded: Hex;
  record: NameRecord;
  digest: Hex;
}

/** A revocation that was verified with the root's key. */
export interface VerifiedRevocation {
  encoded: Hex;
  revocation: Revocation;
  digest: Hex;
}

/** A change of a node's messages: one was published by this node, pushed by a peer, or found. */
export type Arrival =
  | { kind: "endpoint"; serviceId: Hex; record: VerifiedRecord }
  | { kind: "name"; serviceId: Hex; name: VerifiedName }
  | { kind: "revocation"; serviceId: Hex; revocation: VerifiedRevocation }
  /** The messages of a root service and its sub-services were dropped because of a change in the registry. */
  | { kind: "dropped"; number: bigint };

/** The interface of the record network. It returns only verified messages, regardless of their source. */
export interface RecordNetwork {
  /**
   * Publishes a signed message: keeps it, pushes it to the peers that subscribe, and stores it where lookups
   * find it. The push does not wait for the store.
   *
   * @returns When the message is pushed. `peers` is the number of peers that it was pushed to, 0 without a
   *   peer. `stored` settles when the message is in the lookup store, with the number of peers that accepted
   *   it.
   * @throws BlockcloudError with the reason for which other nodes would refuse it.
   */
  publish(kind: MessageKind, encoded: Hex): Promise<{ peers: number; stored: Promise<number> }>;
  /** The record of a service that this node holds, if its lease has not ended. Sends no query. */
  record(serviceId: Hex): VerifiedRecord | undefined;
  /** Queries the network, and checks the results like any other message. */
  find(serviceId: Hex, signal: AbortSignal): Promise<VerifiedRecord | undefined>;
  /** The name record of a name under a root service, from this node or else from the network. */
  findName(root: Hex, label: string, signal: AbortSignal): Promise<VerifiedName | undefined>;
  /**
   * Delegations to a sub-service that were issued up to this time are known to be revoked, Unix milliseconds.
   */
  revokedUpTo(serviceId: Hex): bigint | undefined;
  /** Calls back for each change. Returns a function that removes the listener. */
  onArrival(listener: (arrival: Arrival) => void): () => void;
  /** Number of connected peers. */
  readonly peers: number;
  /** Whether there has been no peer for a while: then only the chain tells where services are. */
  readonly alone: boolean;
}
