import type { Hex } from "viem";
import { isReachable } from "../../net/addresses.ts";
import { rawName } from "../../protocol/name.ts";
import type { Answer } from "../answer.ts";
import { types } from "./codes.ts";
import { netEndpoint, type NetEndpoint } from "./endpoints.ts";
import type { Hosts } from "./hosts.ts";
import { addressRr, anyRr, srvRr, svcbRr, txtRr, uriRr, type Rr } from "./rdata.ts";
import { addressLabel, type Facet } from "./zone.ts";

/** Addresses in one answer: no record needs more, and 28 of AAAA fill a UDP packet. */
const MAX_ADDRESSES = 16;

/** What the addresses of an answer may be. */
export interface AddressRules {
  hosts: Hosts;
  /** The devnet switch: loopback may be answered. */
  allowLoopback: boolean;
}

/** Whether a name exists, and what stands there. */
export interface Found {
  exists: boolean;
  records: readonly Rr[];
  /** Whether asking again would give another order or other addresses, though nothing was published. */
  varies: boolean;
}

/**
 * The records of a type that an answer makes at one of its service's names.
 *
 * @throws BlockcloudError `HOST_UNREACHABLE` when addresses are wanted and no host of the service's can be
 *   resolved.
 */
export async function recordsOf(
  answer: Answer,
  facet: Facet,
  type: number,
  rules: AddressRules,
): Promise<Found> {
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
    return { exists: true, records: plainRecords(answer, facet, type, endpoints), varies: false };
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
): readonly Rr[] {
  const { serviceId } = answer;
  switch (facet.kind) {
    case "service":
      if (type === types.HTTPS) return svcbRecords(types.HTTPS, "https", endpoints, serviceId);
      if (type === types.TXT) return about(answer).map(txtRr);
      return ask(type, types.URI, () =>
        answer.endpoints.map(({ priority, weight, uri }) => uriRr(priority, weight, uri)),
      );
    case "endpoints":
      return ask(type, types.SRV, () => srvRecords(facet.scheme, endpoints, serviceId));
    case "sal":
      return ask(type, types.SVCB, () => svcbRecords(types.SVCB, "sal", endpoints, serviceId));
    case "record":
      return ask(type, types.TXT, () => signed(answer.record));
    case "nameRecord":
      return ask(type, types.TXT, () => signed(answer.nameRecord));
    case "transport":
      return ask(type, undefined, () => []);
  }
}

/** The records at a name that has those of one type only; ANY takes RFC 8482's way out. */
function ask(type: number, own: number | undefined, make: () => readonly Rr[]): readonly Rr[] {
  if (type === types.ANY) return [anyRr];
  return type === own ? make() : [];
}

/** What a person or a program wants to know of a service, one text a record. */
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
  serviceId: Hex,
): Rr[] {
  return endpoints.flatMap((endpoint) => {
    const { priority, weight, port } = endpoint;
    if (port === undefined || (scheme !== undefined && scheme !== endpoint.scheme)) return [];
    return [srvRr(priority, weight, port, target(endpoint, serviceId))];
  });
}

/** Priority 0 would make an alias: all move up by one. Weights have no place in RFC 9460. */
function svcbRecords(
  type: typeof types.SVCB | typeof types.HTTPS,
  scheme: "https" | "sal",
  endpoints: readonly NetEndpoint[],
  serviceId: Hex,
): Rr[] {
  return endpoints.flatMap((endpoint) => {
    const { port, host, isAddress } = endpoint;
    if (port === undefined || endpoint.scheme !== scheme) return [];
    return [
      svcbRr(type, {
        priority: Math.min(endpoint.priority + 1, 65_535),
        target: target(endpoint, serviceId),
        port,
        ...(scheme === "sal" && { alpn: "sal/1" }),
        hint: isAddress ? host : undefined,
      }),
    ];
  });
}

/** The host's name; of an address, one that leads to it alone. */
function target({ isAddress, host }: NetEndpoint, serviceId: Hex): string {
  return isAddress ? `${addressLabel(host)}.${rawName(serviceId)}` : host;
}

/** Where endpoints are, hosts resolved. */
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
