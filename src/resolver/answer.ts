import type { Hex } from "viem";
import type { ServiceFacts } from "../chain/directory.ts";
import type { Endpoint } from "../protocol/record.ts";

/** Where an answer came from. */
export type AnswerSource =
  /** A record of the record network. */
  | "coral"
  /** A record that was announced on chain: no newer one was available. */
  | "announcement"
  /** Another resolver; this resolver checked its record. */
  | "resolver"
  /** A rule of this resolver's service table; it has no signature. */
  | "table";

/**
 * The endpoints of a service. They are in order of preference: by priority, and within a priority in an order
 * drawn by weight. Times are Unix milliseconds.
 */
export interface Answer {
  serviceId: Hex;
  /** The requested name under `bloc.alt`, in lower case; undefined for a raw ID. */
  name: string | undefined;
  endpoints: readonly Endpoint[];
  /** The encoded signed record; undefined only for a rule of the table. */
  record: Hex | undefined;
  /** The root's signed name record, for a name under a service's own. */
  nameRecord: Hex | undefined;
  issuedAt: number;
  /** When the lease ends; the answer must not be used after that. */
  expiresAt: number;
  source: AnswerSource;
  /**
   * Whether a newer record was seen and has expired, so that this one may be out of date. This happens with
   * an announcement while the record network cannot be reached.
   */
  superseded: boolean;
  /** Undefined only for a rule of the table whose service is not registered. */
  service: ServiceFacts | undefined;
}

/** The error codes of a lookup. */
export const resolveErrors = {
  /** Not a name or an ID. */
  invalid: "NAME_INVALID",
  /** The service, label or name does not exist. */
  unknown: "SERVICE_UNKNOWN",
  /** The service exists but is not active; the message has its status. */
  inactive: "SERVICE_INACTIVE",
  /** The service is active but has published no valid record. */
  noRecord: "RECORD_MISSING",
  /** The last known record has expired, and neither chain nor record network can be asked for a newer one. */
  stale: "RECORD_STALE",
  /** The sub-service's delegation expired or was revoked. */
  delegation: "DELEGATION_EXPIRED",
  /** A rule of the service table drops the service. */
  dropped: "SERVICE_DROPPED",
  /** Resolvers forwarded the lookup in a circle or too often. */
  loop: "RESOLVER_LOOP",
  /** Neither chain nor record network responded in time; a later try may succeed. */
  unreachable: "RESOLVER_UNREACHABLE",
  /** Too many lookups are waiting. */
  busy: "RESOLVER_BUSY",
} as const;

/** Looks up services. The returned objects are shared: do not change them. */
export interface Resolver {
  /**
   * The cached answer if it is valid, without waiting; otherwise undefined.
   *
   * @param serviceId 0x and 64 lower-case digits.
   */
  lookup(serviceId: Hex): Answer | undefined;
  /**
   * The same by name, for a name that was resolved before. Until something changes, it returns the same
   * objects in turn, one for each of up to 16 orders of the endpoints.
   *
   * @param name In lower case, without a dot at the end.
   */
  lookupName(name: string): Answer | undefined;
  /**
   * Looks up a service: in the service table, in the cache, then on chain and in the record network.
   *
   * @param name A name or ID that `parseName` accepts.
   * @param options.hops Resolvers that forwarded this lookup; prevents circles.
   * @param options.newerThan Version of a record that does not help, Unix milliseconds: if the cached one is not newer,
   *   the record network is asked again.
   * @throws BlockcloudError with a code of `resolveErrors`.
   */
  resolve(
    name: string,
    options?: { signal?: AbortSignal; hops?: readonly string[]; newerThan?: number | undefined },
  ): Promise<Answer>;
  /** Calls back with the new answer or error whenever the answer of a service changes. */
  watch(serviceId: Hex, listener: (change: Change) => void): () => void;
  /** The same for every service that is cached. */
  watchAll(listener: (serviceId: Hex, change: Change) => void): () => void;
}

/** A change of a service: its new answer, or the error that explains why there is none. */
export type Change = { answer: Answer } | { error: { code: string; message: string } };
