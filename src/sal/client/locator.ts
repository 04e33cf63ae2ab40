import type { Address, Hex } from "viem";
import type { BlockcloudError } from "../../protocol/errors.ts";

/** Where a service runs, and who signs for it. */
export interface Located {
  serviceId: Hex;
  /** The newest key: it signs receipts. */
  key: Address;
  /** `sal://host:port`, in the order to try them. */
  endpoints: readonly string[];
  /** Version of the record, Unix milliseconds. */
  issuedAt: number;
  /** Of a sub-service: when its delegation ends, Unix milliseconds. */
  delegatedUntil: number | undefined;
}

/** A change of a service: where it runs now, or why it does not. */
export type LocatedChange = { located: Located } | { error: BlockcloudError };

/** Finds services for the SAL's client; every answer is checked against the chain. */
export interface Locator {
  /** @throws BlockcloudError with a code of `resolveErrors`; or the signal's reason. */
  locate(service: string, signal: AbortSignal): Promise<Located>;
  /**
   * The same past all caches.
   *
   * @param newerThan Version that is known and no longer works.
   */
  relocate(serviceId: Hex, newerThan: number, signal: AbortSignal): Promise<Located>;
  /** Calls back when the service changes; the returned function ends that. */
  watch(serviceId: Hex, listener: (change: LocatedChange) => void): () => void;
  /**
   * Checks a signed record that the service sent itself.
   *
   * @throws BlockcloudError of `checkRecord`.
   */
  check(serviceId: Hex, record: Hex, signal: AbortSignal): Promise<Located>;
}
