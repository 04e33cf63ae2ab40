import type { Hex } from "viem";
import { isReachable } from "../../net/addresses.ts";
import { rawName, type Zone } from "../../protocol/name.ts";
import type { Answer } from "../answer.ts";
import { types } from "./codes.ts";
import { netEndpoint, type NetEndpoint } from "./endpoints.ts";
import type { Hosts } from "./hosts.ts";
import { addressRr, anyRr, srvRr, svcbRr, txtRr, uriRr, type Rr } from "./rdata.ts";
import { addressLabel, type Facet } from "./zone.ts";

/**
 * Largest number of addresses in one response. No record needs more, and 28 AAAA records fill a UDP packet.
 */
const MAX_ADDRESSES = 16;

/** Rules for the addresses in a response. */
export interface AddressRules {
  hosts: Hosts;
  /** For a devnet: loopback addresses are allowed. */
  allowLoopback: boolean;
}

/** Whether a name exists, and its records. */
export interface RecordSet {
  exists: boolean;
  records: readonly Rr[];
  /** Whether another query may give another order or other addresses, although nothing was published. */
  varies: boolean;
}

/**
 * The records of a type at one of a service's names, built from the service's answer.
 *
 * @throws BlockcloudError `HOST_UNREACHABLE` if addresses are requested and none of the service's hosts can
 *   be resolved.
 */
export async function recordsOf(
  answer: Answer,
  { facet, zone }: { facet: Facet; zone: Zone },
  type: number,
  rules: AddressRules,
): Promise<RecordSet> {
  const open = (address: string) =>
    answer.source === "table" || isReachable(address, rules.allowLoopback);
  const endpoints = answer.endpoints.flatMap((endpoint) => {
    const read = netEndpoint(endpoint);
    return read === undefined || (read.isAddress && !open(read.host)) ? [] : [read];
  });
  if (facet.kind === "address") {
    const exists = endpoints.some(({ host }) => host === facet.address);
    const rr = addressRr(facet.address);
    return { exists, records: ask(type, rr.type, () => [rr]), varies: false };
  }
  if (facet.kind !== "service" || (type !== types.A && type !== types.AAAA)) {
    return {
      exists: true,
      records: plainRecords(answer, facet, type, endpoints, zone),
      varies: false,
    };
  }
  const top = endpoints.filter(({ priority }) => priority === endpoints[0]?.priority);
  const addresses = await addressesOf(top, rules.hosts, open);
  return {
    exists: true,
    records: addresses.map(addressRr).filter((rr) => rr.type === type),
    varies: top.length > 1 || top.some(({ isAddress }) => !isAddress),
  };
}

function plainRecords(
  answer: Answer,
  facet: Exclude<Facet, { kind: "address" }>,
  type: number,
  endpoints: readonly NetEndpoint[],
  zone: Zone,
): readonly Rr[] {
  const own = rawName(answer.serviceId, zone);
  switch (facet.kind) {
    case "service":
      if (type === types.HTTPS) return svcbRecords(types.HTTPS, "https", endpoints, own);
      if (type === types.TXT) return about(answer).map(txtRr);
      return ask(type, types.URI, () =>
        answer.endpoints.map(({ priority, weight, uri }) => uriRr(priority, weight, uri)),
      );
    case "endpoints":
      return ask(type, types.SRV, () => srvRecords(facet.scheme, endpoints, own));
    case "sal":
      return ask(type, types.SVCB, () => svcbRecords(types.SVCB, "sal", endpoints, own));
    case "record":
      return ask(type, types.TXT, () => signed(answer.record));
    case "nameRecord":
      return ask(type, types.TXT, () => signed(answer.nameRecord));
    case "transport":
      return ask(type, undefined, () => []);
  }
}

/** The records at a name that has only one type; ANY is handled as in RFC 8482. */
function ask(type: number, own: number | undefined, make: () => readonly Rr[]): readonly Rr[] {
  if (type === types.ANY) return [anyRr];
  return type === own ? make() : [];
}

/** A description of a service for people and programs, one text per record. */
function about({ serviceId, expiresAt, endpoints }: Answer): string[] {
  return [
    `id=${serviceId}`,
    `expires=${Math.floor(expiresAt / 1000)}`,
    ...endpoints.map(({ uri }) => `uri=${uri}`),
  ];
}

function signed(encoded: Hex | undefined): Rr[] {
  if (encoded === undefined) return [];
  return [txtRr(Buffer.from(encoded.slice(2), "hex").toString("base64url"))];
}

function srvRecords(
  scheme: string | undefined,
  endpoints: readonly NetEndpoint[],
  own: string,
): Rr[] {
  return endpoints.flatMap((endpoint) => {
    const { priority, weight, port } = endpoint;
    if (port === undefined || (scheme !== undefined && scheme !== endpoint.scheme)) return [];
    return [srvRr(priority, weight, port, target(endpoint, own))];
  });
}

/** Priorities are raised by one, because priority 0 means an alias. RFC 9460 has no weights. */
function svcbRecords(
  type: typeof types.SVCB | typeof types.HTTPS,
  scheme: "https" | "sal",
  endpoints: readonly NetEndpoint[],
  own: string,
): Rr[] {
  return endpoints.flatMap((endpoint) => {
    const { port, host, isAddress } = endpoint;
    if (port === undefined || endpoint.scheme !== scheme) return [];
    return [
      svcbRr(type, {
        priority: Math.min(endpoint.priority + 1, 65_535),
        target: target(endpoint, own),
        port,
        ...(scheme === "sal" && { alpn: "sal/1" }),
        hint: isAddress ? host : undefined,
      }),
    ];
  });
}

/** The host's name; for an address, a name that resolves only to it, in the zone of the question. */
function target({ isAddress, host }: NetEndpoint, own: string): string {
  return isAddress ? `${addressLabel(host)}.${own}` : host;
}

/** The addresses of endpoints, with host names resolved. */
async function addressesOf(
  endpoints: readonly NetEndpoint[],
  hosts: Hosts,
  open: (address: string) => boolean,
): Promise<string[]> {
  const found = await Promise.allSettled(
    endpoints.map(async ({ isAddress, host }) =>
      isAddress ? [host] : await hosts.addresses(host),
    ),
  );
  const addresses = found.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
  const failed = found.find((each) => each.status === "rejected");
  if (addresses.length === 0 && failed !== undefined) throw failed.reason;
  return [...new Set(addresses.filter(open))].slice(0, MAX_ADDRESSES);
}
