import type { Address, Hex } from "viem";
import type { CheckedRecord } from "../protocol/checkRecord.ts";
import type { Revocation } from "../protocol/delegation.ts";
import type { NameRecord } from "../protocol/nameRecord.ts";

/** What the chain says of a root service, as far as records need it. */
export interface RootKey {
  /** The newest key: one that was replaced is worth nothing from that moment on. */
  key: Address;
  /** Whether the service is active by its newest status. */
  active: boolean;
}

/** Who may sign for a service. Implemented by the chain's `ServiceDirectory`. */
export interface Authority {
  /**
   * Reads from a cache that the registry's events empty; concurrent calls for one service are one.
   *
   * @returns Undefined when there is no such service.
   * @throws BlockcloudError, retryable, when the chain cannot be asked.
   */
  rootKey(number: bigint, signal?: AbortSignal): Promise<RootKey | undefined>;
  /** Calls back when a service's key, status or owner may have changed. Returns how to end that. */
  onChange(listener: (number: bigint) => void): () => void;
}

/** A kind of message that the network carries. */
export type MessageKind = "endpoint" | "name" | "revocation";

/** A name record that was checked against the root's key. */
export interface CheckedName {
  encoded: Hex;
  record: NameRecord;
  digest: Hex;
}

/** A revocation that was checked against the root's key. */
export interface CheckedRevocation {
  encoded: Hex;
  revocation: Revocation;
  digest: Hex;
}

/** Something new that a node took in: published here, pushed by a peer, or found. */
export type Arrival =
  | { kind: "endpoint"; serviceId: Hex; record: CheckedRecord }
  | { kind: "name"; serviceId: Hex; name: CheckedName }
  | { kind: "revocation"; serviceId: Hex; revocation: CheckedRevocation }
  /** What was known of a root service and its sub-services was dropped: the registry says so. */
  | { kind: "dropped"; number: bigint };

/** The record network, as its users see it. What it gives out was checked, whoever sent it. */
export interface RecordNetwork {
  /**
   * Publishes something signed: keeps it, pushes it to the peers that subscribe, and stores it where
   * look-ups find it. The push does not wait for the store.
   *
   * @returns Once it is pushed; `peers` is how many peers it was pushed to, 0 when it is alone. `stored`
   *   settles when the look-up store has it, with the number of peers that took it.
   * @throws BlockcloudError with the reason for which others would refuse it.
   */
  publish(kind: MessageKind, encoded: Hex): Promise<{ peers: number; stored: Promise<number> }>;
  /** What this node holds of a service, its lease running; without asking anybody. */
  record(serviceId: Hex): CheckedRecord | undefined;
  /** Asks the network, and takes what it says in like any other. */
  find(serviceId: Hex, signal: AbortSignal): Promise<CheckedRecord | undefined>;
  /** What a name under a root service means; from this node, else from the network. */
  findName(root: Hex, label: string, signal: AbortSignal): Promise<CheckedName | undefined>;
  /** Up to when delegations to a sub-service are known to be taken back, Unix milliseconds. */
  revokedUpTo(serviceId: Hex): bigint | undefined;
  /** Calls back for what is new. Returns how to end that. */
  onArrival(listener: (arrival: Arrival) => void): () => void;
  /** Peers that it is connected to. */
  readonly peers: number;
}
