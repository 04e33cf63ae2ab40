import type { Hex } from "viem";
import type { ServiceFacts } from "../chain/directory.ts";
import type { Endpoint } from "../protocol/record.ts";

/** Where an answer came from. */
export type AnswerSource =
  /** A record of the record network. */
  | "coral"
  /** A record that was announced on chain: nothing newer could be had. */
  | "announcement"
  /** Another resolver; its record was checked here. */
  | "resolver"
  /** A rule of this resolver's service table; nobody signed it. */
  | "table";

/**
 * Where a service listens. `endpoints` stand in the order of preference: by priority, and within one in an
 * order drawn by weight. Times are Unix milliseconds.
 */
export interface Answer {
  serviceId: Hex;
  /** The name that was asked for, in lower case; undefined for a raw ID. */
  name: string | undefined;
  endpoints: readonly Endpoint[];
  /** The signed record, encoded; undefined only for a rule of the table. */
  record: Hex | undefined;
  /** The root's signed name record, for a name under a service's own. */
  nameRecord: Hex | undefined;
  issuedAt: number;
  /** When the lease ends; the answer is worth nothing from then on. */
  expiresAt: number;
  source: AnswerSource;
  /**
   * Whether a newer record was seen once and has run out, so that this one may be out of date: an
   * announcement while the record network is out of reach.
   */
  superseded: boolean;
  /** Undefined only for a rule of the table that names no registered service. */
  service: ServiceFacts | undefined;
}

/** The codes of what a look-up can fail with. */
export const resolveErrors = {
  /** Not a name or an ID. */
  invalid: "NAME_INVALID",
  /** No such service, label or name. */
  unknown: "SERVICE_UNKNOWN",
  /** The service exists and is not active; the message says its status. */
  inactive: "SERVICE_INACTIVE",
  /** The service is active and has published nothing that holds. */
  noRecord: "RECORD_MISSING",
  /** The last record known has run out, and nobody can be asked for a newer one. */
  stale: "RECORD_STALE",
  /** A sub-service whose delegation ran out or was taken back. */
  delegation: "DELEGATION_EXPIRED",
  /** A rule of the service table drops it. */
  dropped: "SERVICE_DROPPED",
  /** Forwarded from resolver to resolver in a circle, or too often. */
  loop: "RESOLVER_LOOP",
  /** Neither chain nor network answered in time; may work later. */
  unreachable: "RESOLVER_UNREACHABLE",
  /** Too many look-ups wait. */
  busy: "RESOLVER_BUSY",
} as const;

/** Looks services up. What it gives out is shared: change nothing in it. */
export interface Resolver {
  /**
   * What is cached and holds, at once; undefined for everything else.
   *
   * @param serviceId 0x and 64 lower-case digits.
   */
  lookUp(serviceId: Hex): Answer | undefined;
  /**
   * The same by name, for what was resolved before. The same object comes again and again until something
   * changes: up to 16 orders of the endpoints in turn.
   *
   * @param name In lower case, without a dot at the end.
   */
  lookUpName(name: string): Answer | undefined;
  /**
   * Looks a service up: service table, cache, then chain and record network.
   *
   * @param name What `parseName` reads.
   * @param options.hops Resolvers that have forwarded this look-up; guards against circles.
   * @throws BlockcloudError with a code of `resolveErrors`.
   */
  resolve(
    name: string,
    options?: { signal?: AbortSignal; hops?: readonly string[] },
  ): Promise<Answer>;
  /** Calls back with the new answer, or the error, whenever what is known of a service changes. */
  watch(serviceId: Hex, listener: (change: Change) => void): () => void;
  /** The same for every service that is cached. */
  watchAll(listener: (serviceId: Hex, change: Change) => void): () => void;
}

/** What became of a service: a new answer, or why there is none. */
export type Change = { answer: Answer } | { error: { code: string; message: string } };
