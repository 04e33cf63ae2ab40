import type { Hex } from "viem";
import type { Timers } from "../../node/timers.ts";
import { within } from "../../node/within.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { ZONE } from "../../protocol/name.ts";
import { resolveErrors, type Answer, type Resolver } from "../answer.ts";
import { CLASS_IN, extendedErrors, rcodes, types } from "./codes.ts";
import { anyRr, encodeName, type Rr } from "./rdata.ts";
import { recordsOf, type AddressRules } from "./records.ts";
import { placeOf } from "./zone.ts";

/** What was found for a question. */
export interface Finding {
  rcode: number;
  authoritative: boolean;
  answers: readonly Rr[];
  authority: readonly Rr[];
  extended?: { code: number; text: string };
  /** Whose it is; undefined for the zone's own and for errors. */
  serviceId: Hex | undefined;
  /** The longest TTL, seconds. */
  maxTtl: number;
  /** When it is worth nothing, Unix milliseconds; undefined for what hangs on no lease. */
  expiresAt: number | undefined;
  /** Whether asking again may give something else, though no change was told. */
  varies: boolean;
}

export interface FinderOptions {
  /** The longest TTL, seconds. */
  maxTtlSeconds: number;
  /** How long a negative answer holds, seconds. */
  negativeTtlSeconds: number;
  /** How long a look-up may take, milliseconds; below the 5 s that clients wait. */
  lookUpMs: number;
}

export interface FinderDependencies extends AddressRules {
  resolver: Pick<Resolver, "resolve" | "lookUpName">;
  timers: Timers;
  /** Told of what is no answer and no `BlockcloudError`: a fault of ours. */
  onFault(error: unknown): void;
}

/** Finds what the zone says to a question. */
export class Finder {
  readonly #options: FinderOptions;
  readonly #d: FinderDependencies;
  /** The zone's SOA; as in RFC 6303, 3, for a zone that is nobody's host: the apex itself, and no mailbox. */
  readonly #soa: Rr;

  constructor(options: FinderOptions, dependencies: FinderDependencies) {
    this.#options = options;
    this.#d = dependencies;
    const times = Buffer.alloc(20);
    [1, 3600, 1200, 604_800, options.negativeTtlSeconds].forEach((value, index) =>
      times.writeUInt32BE(value, 4 * index),
    );
    const rdata = Buffer.concat([encodeName(ZONE), encodeName("nobody.invalid"), times]);
    this.#soa = { type: types.SOA, rdata };
  }

  /** Never rejects: what goes wrong is an answer, too. */
  async find(labels: readonly string[], type: number, questionClass: number): Promise<Finding> {
    if (questionClass !== CLASS_IN) return refused();
    const place = placeOf(labels);
    switch (place.kind) {
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
      const answer = await this.#answer(place.name);
      const { exists, records, varies } = await recordsOf(answer, place.facet, type, this.#d);
      if (!exists) return this.#negative(rcodes.NXDOMAIN, answer);
      return { ...this.#positive(records, answer), varies };
    } catch (error) {
      return this.#failed(error);
    }
  }

  #answer(name: string): Answer | Promise<Answer> {
    const { resolver, timers } = this.#d;
    const known = resolver.lookUpName(name);
    if (known !== undefined) return known;
    return within(
      { milliseconds: this.#options.lookUpMs, timers },
      (signal) => resolver.resolve(name, { signal }),
      () => new BlockcloudError(resolveErrors.unreachable, "No answer in time."),
    );
  }

  #apex(type: number): Rr[] {
    if (type === types.SOA) return [this.#soa];
    if (type === types.NS) return [{ type: types.NS, rdata: encodeName(ZONE) }];
    return type === types.ANY ? [anyRr] : [];
  }

  #positive(records: readonly Rr[], answer?: Answer): Finding {
    if (records.length === 0) return this.#negative(rcodes.NOERROR, answer);
    return {
      ...this.#negative(rcodes.NOERROR, answer),
      answers: records,
      authority: [],
      maxTtl: this.#options.maxTtlSeconds,
    };
  }

  #negative(rcode: number, answer?: Answer): Finding {
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

  #failed(error: unknown): Finding {
    if (!(error instanceof BlockcloudError)) {
      this.#d.onFault(error);
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

function refused(): Finding {
  return failure(rcodes.REFUSED, extendedErrors.NOT_AUTHORITATIVE, `only ${ZONE}`);
}

function failure(rcode: number, code: number, text: string): Finding {
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
