import type { Hex } from "viem";
import { rcodes, CLASS_IN, types } from "../../../resolver/dns/codes.ts";
import { addressRr, anyRr } from "../../../resolver/dns/rdata.ts";
import { zoneNodeOf } from "../../../resolver/dns/zone.ts";
import {
  refused,
  zoneAnswers,
  type ZoneAnswer,
  type ZoneAnswers,
  type ZoneSource,
} from "../../../resolver/dns/zoneLookup.ts";
import type { Zone } from "../../../protocol/name.ts";

/** How long programs may keep an answer: the address stays the service's, but the name may get another one. */
const TTL_S = 30;
const NEGATIVE_TTL_S = 5;

export interface MappedZoneDependencies {
  /** @throws BlockcloudError with a code of `resolveErrors`. */
  serviceOf(name: string): Promise<Hex>;
  /**
   * The address of a service, at which the proxy listens when the promise is fulfilled.
   *
   * @throws BlockcloudError
   */
  addressOf(serviceId: Hex, name: string): Promise<string>;
  onFault(error: unknown): void;
}

/**
 * The records of mapped names: one A record. AAAA and other types have none, so that a program that asks for both
 * families goes on with the address.
 */
export class MappedZone implements ZoneSource {
  readonly #answers: Readonly<Record<Zone, ZoneAnswers>> = zoneAnswers({
    maxTtlSeconds: TTL_S,
    negativeTtlSeconds: NEGATIVE_TTL_S,
  });
  readonly #dependencies: MappedZoneDependencies;

  constructor(dependencies: MappedZoneDependencies) {
    this.#dependencies = dependencies;
  }

  async lookup(
    labels: readonly string[],
    type: number,
    questionClass: number,
  ): Promise<ZoneAnswer> {
    const node = questionClass === CLASS_IN ? zoneNodeOf(labels) : { kind: "outside" as const };
    if (node.kind === "outside") return refused();
    const answers = this.#answers[node.zone];
    if (node.kind !== "service") return answers.own(node.kind, type);
    // Names below a service's own, `_record.NAME` and others, are the resolver's.
    if (node.facet.kind !== "service") return answers.negative(rcodes.NXDOMAIN);
    const { serviceOf, addressOf, onFault } = this.#dependencies;
    try {
      const serviceId = await serviceOf(node.name);
      if (type === types.ANY) return answers.positive([anyRr]);
      if (type !== types.A) return answers.negative(rcodes.NOERROR);
      return answers.positive([addressRr(await addressOf(serviceId, node.name))]);
    } catch (error) {
      return answers.failed(error, onFault);
    }
  }
}
