import type { Hex } from "viem";
import type { Timers } from "../../node/timers.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { ZONES, type Zone } from "../../protocol/name.ts";
import { resolveErrors, type Answer, type Resolver } from "../answer.ts";
import { BoundedLookup } from "../lookup/boundedLookup.ts";
import { CLASS_IN, extendedErrors, rcodes, types } from "./codes.ts";
import { anyRr, encodeName, type Rr } from "./rdata.ts";
import { recordsOf, type AddressRules } from "./records.ts";
import { zoneNodeOf } from "./zone.ts";

/** The result of a question. */
export interface ZoneAnswer {
  rcode: number;
  authoritative: boolean;
  answers: readonly Rr[];
  authority: readonly Rr[];
  extended?: { code: number; text: string };
  /** The service that it is about; undefined for the zone's own records and for errors. */
  serviceId: Hex | undefined;
  /** The longest TTL, seconds. */
  maxTtl: number;
  /** When its lease ends, Unix milliseconds; undefined for records without a lease. */
  expiresAt: number | undefined;
  /** Whether another query may give another result, although no change was reported. */
  varies: boolean;
}

/** What a DNS server's records come from. */
export interface ZoneSource {
  /** Never rejects: a failure gives a response, too. */
  lookup(labels: readonly string[], type: number, questionClass: number): Promise<ZoneAnswer>;
}

export interface ZoneLookupOptions {
  /** The longest TTL, seconds. */
  maxTtlSeconds: number;
  /** TTL of a negative answer, seconds. */
  negativeTtlSeconds: number;
  /** Time limit of a lookup, milliseconds; below the 5 s that clients wait. */
  lookupMs: number;
}

export interface ZoneLookupDependencies extends AddressRules {
  resolver: Pick<Resolver, "resolve" | "lookupName">;
  timers: Timers;
  /** Called with unexpected errors, which are no `BlockcloudError`. */
  onFault(error: unknown): void;
}

/** Finds the zones' records for a question. */
export class ZoneLookup implements ZoneSource {
  readonly #answers: Readonly<Record<Zone, ZoneAnswers>>;
  readonly #lookup: BoundedLookup;
  readonly #rules: AddressRules;
  readonly #onFault: (error: unknown) => void;
  constructor(options: ZoneLookupOptions, dependencies: ZoneLookupDependencies) {
    this.#answers = zoneAnswers(options);
    const { resolver, timers, hosts, allowLoopback, onFault } = dependencies;
    this.#lookup = new BoundedLookup(resolver, { milliseconds: options.lookupMs, timers });
    this.#rules = { hosts, allowLoopback };
    this.#onFault = onFault;
  }

  async lookup(
    labels: readonly string[],
    type: number,
    questionClass: number,
  ): Promise<ZoneAnswer> {
    if (questionClass !== CLASS_IN) return refused();
    const node = zoneNodeOf(labels);
    if (node.kind === "outside") return refused();
    const answers = this.#answers[node.zone];
    if (node.kind !== "service") return answers.own(node.kind, type);
    try {
      const answer = await this.#lookup.answer(node.name);
      const { exists, records, varies } = await recordsOf(answer, node, type, this.#rules);
      if (!exists) return answers.negative(rcodes.NXDOMAIN, answer);
      return { ...answers.positive(records, answer), varies };
    } catch (error) {
      return answers.failed(error, this.#onFault);
    }
  }
}

/** The results of questions, by their zone. */
export function zoneAnswers({
  negativeTtlSeconds: negative,
  maxTtlSeconds: longest,
}: Omit<ZoneLookupOptions, "lookupMs">): Readonly<Record<Zone, ZoneAnswers>> {
  return {
    "bloc.alt": new ZoneAnswers("bloc.alt", negative, longest),
    "bloc.internal": new ZoneAnswers("bloc.internal", negative, longest),
  };
}

/** The results of questions in one zone. */
export class ZoneAnswers {
  /**
   * The zone's SOA. As in RFC 6303, 3, the apex is the primary server and there is no mailbox, because no
   * host serves the zone publicly.
   */
  readonly #soa: Rr;
  readonly #zone: Zone;
  readonly #negativeTtl: number;
  readonly #maxTtl: number;

  /** @param negativeTtl TTL of a negative answer, and the longest of a positive one, seconds. */
  constructor(zone: Zone, negativeTtl: number, maxTtl: number) {
    this.#zone = zone;
    this.#negativeTtl = negativeTtl;
    this.#maxTtl = maxTtl;
    const times = Buffer.alloc(20);
    [1, 3600, 1200, 604_800, negativeTtl].forEach((value, index) =>
      times.writeUInt32BE(value, 4 * index),
    );
    const rdata = Buffer.concat([encodeName(zone), encodeName("nobody.invalid"), times]);
    this.#soa = { type: types.SOA, rdata };
  }

  /** The result for a name that is no service's. */
  own(kind: "apex" | "empty" | "nowhere", type: number): ZoneAnswer {
    if (kind === "nowhere") return this.negative(rcodes.NXDOMAIN);
    if (type === types.ANY) return this.positive([anyRr]);
    if (kind === "empty") return this.negative(rcodes.NOERROR);
    if (type === types.SOA) return this.positive([this.#soa]);
    return this.positive(
      type === types.NS ? [{ type: types.NS, rdata: encodeName(this.#zone) }] : [],
    );
  }

  /** The result with these records, or without any. */
  positive(records: readonly Rr[], answer?: Answer): ZoneAnswer {
    const none = this.negative(rcodes.NOERROR, answer);
    if (records.length === 0) return none;
    return { ...none, answers: records, authority: [], maxTtl: this.#maxTtl };
  }

  negative(rcode: number, answer?: Answer): ZoneAnswer {
    return {
      rcode,
      authoritative: true,
      answers: [],
      authority: [this.#soa],
      serviceId: answer?.serviceId,
      maxTtl: this.#negativeTtl,
      expiresAt: answer?.expiresAt,
      varies: false,
    };
  }

  /**
   * The result for a name whose lookup failed.
   *
   * @param onFault Called with an unexpected error, which is no `BlockcloudError`.
   */
  failed(error: unknown, onFault: (error: unknown) => void): ZoneAnswer {
    if (!(error instanceof BlockcloudError)) {
      onFault(error);
      return failure(rcodes.SERVFAIL, extendedErrors.OTHER, "RESOLVER_FAILED");
    }
    switch (error.code) {
      case resolveErrors.invalid:
      case resolveErrors.unknown:
        return this.negative(rcodes.NXDOMAIN);
      case resolveErrors.inactive:
      case resolveErrors.noRecord:
      case resolveErrors.delegation:
        return {
          ...this.negative(rcodes.NOERROR),
          extended: { code: extendedErrors.OTHER, text: error.code },
        };
      case resolveErrors.dropped:
        return failure(rcodes.REFUSED, extendedErrors.BLOCKED, error.code);
      default:
        return failure(rcodes.SERVFAIL, extendedErrors.NO_REACHABLE_AUTHORITY, error.code);
    }
  }
}

/** The result for a name outside of the zones. */
export function refused(): ZoneAnswer {
  return failure(rcodes.REFUSED, extendedErrors.NOT_AUTHORITATIVE, `only ${ZONES.join(" and ")}`);
}

function failure(rcode: number, code: number, text: string): ZoneAnswer {
  return {
    rcode,
    authoritative: false,
    answers: [],
    authority: [],
    extended: { code, text },
    serviceId: undefined,
    maxTtl: 0,
    expiresAt: undefined,
    varies: false,
  };
}
