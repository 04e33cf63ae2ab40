import type { Hex } from "viem";
import type { Timers } from "../../node/timers.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { ZONE } from "../../protocol/name.ts";
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

/** Finds the zone's records for a question. */
export class ZoneLookup {
  readonly #options: ZoneLookupOptions;
  readonly #lookup: BoundedLookup;
  readonly #rules: AddressRules;
  readonly #onFault: (error: unknown) => void;
  /**
   * The zone's SOA. As in RFC 6303, 3, the apex is the primary server and there is no mailbox, because no
   * host serves the zone publicly.
   */
  readonly #soa: Rr;

  constructor(options: ZoneLookupOptions, dependencies: ZoneLookupDependencies) {
    this.#options = options;
    const { resolver, timers, hosts, allowLoopback, onFault } = dependencies;
    this.#lookup = new BoundedLookup(resolver, { milliseconds: options.lookupMs, timers });
    this.#rules = { hosts, allowLoopback };
    this.#onFault = onFault;
    const times = Buffer.alloc(20);
    [1, 3600, 1200, 604_800, options.negativeTtlSeconds].forEach((value, index) =>
      times.writeUInt32BE(value, 4 * index),
    );
    const rdata = Buffer.concat([encodeName(ZONE), encodeName("nobody.invalid"), times]);
    this.#soa = { type: types.SOA, rdata };
  }

  /** Never rejects: a failure gives a response, too. */
  async lookup(
    labels: readonly string[],
    type: number,
    questionClass: number,
  ): Promise<ZoneAnswer> {
    if (questionClass !== CLASS_IN) return refused();
    const node = zoneNodeOf(labels);
    switch (node.kind) {
      case "outside":
        return refused();
      case "nowhere":
        return this.#negative(rcodes.NXDOMAIN);
      case "empty":
        return this.#positive(type === types.ANY ? [anyRr] : []);
      case "apex":
        return this.#positive(this.#apex(type));
      case "service":
        break;
    }
    try {
      const answer = await this.#lookup.answer(node.name);
      const { exists, records, varies } = await recordsOf(answer, node.facet, type, this.#rules);
      if (!exists) return this.#negative(rcodes.NXDOMAIN, answer);
      return { ...this.#positive(records, answer), varies };
    } catch (error) {
      return this.#failed(error);
    }
  }

  #apex(type: number): Rr[] {
    if (type === types.SOA) return [this.#soa];
    if (type === types.NS) return [{ type: types.NS, rdata: encodeName(ZONE) }];
    return type === types.ANY ? [anyRr] : [];
  }

  #positive(records: readonly Rr[], answer?: Answer): ZoneAnswer {
    if (records.length === 0) return this.#negative(rcodes.NOERROR, answer);
    return {
      ...this.#negative(rcodes.NOERROR, answer),
      answers: records,
      authority: [],
      maxTtl: this.#options.maxTtlSeconds,
    };
  }

  #negative(rcode: number, answer?: Answer): ZoneAnswer {
    return {
      rcode,
      authoritative: true,
      answers: [],
      authority: [this.#soa],
      serviceId: answer?.serviceId,
      maxTtl: this.#options.negativeTtlSeconds,
      expiresAt: answer?.expiresAt,
      varies: false,
    };
  }

  #failed(error: unknown): ZoneAnswer {
    if (!(error instanceof BlockcloudError)) {
      this.#onFault(error);
      return failure(rcodes.SERVFAIL, extendedErrors.OTHER, "RESOLVER_FAILED");
    }
    switch (error.code) {
      case resolveErrors.invalid:
      case resolveErrors.unknown:
        return this.#negative(rcodes.NXDOMAIN);
      case resolveErrors.inactive:
      case resolveErrors.noRecord:
      case resolveErrors.delegation:
        return {
          ...this.#negative(rcodes.NOERROR),
          extended: { code: extendedErrors.OTHER, text: error.code },
        };
      case resolveErrors.dropped:
        return failure(rcodes.REFUSED, extendedErrors.BLOCKED, error.code);
      default:
        return failure(rcodes.SERVFAIL, extendedErrors.NO_REACHABLE_AUTHORITY, error.code);
    }
  }
}

function refused(): ZoneAnswer {
  return failure(rcodes.REFUSED, extendedErrors.NOT_AUTHORITATIVE, `only ${ZONE}`);
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
