import { isLabel } from "../../protocol/label.ts";
import { canonicalName, parseName, ZONES, type Zone } from "../../protocol/name.ts";

/** The part of a service that a name stands for. */
export type Facet =
  /** The service's own name. */
  | { kind: "service" }
  /** `_tcp`: has names below it but no records. */
  | { kind: "transport" }
  /** `_<scheme>._tcp`: SRV records; no scheme for `_bloc`, which has all endpoints. */
  | { kind: "endpoints"; scheme: Scheme | undefined }
  /** `_sal`: SVCB records. */
  | { kind: "sal" }
  /** `_record`: the signed record. */
  | { kind: "record" }
  /** `_name`: the signed name record. */
  | { kind: "nameRecord" }
  /** `ip-...`: one of the addresses in the record, as a target for SRV and SVCB records. */
  | { kind: "address"; address: string };

/** Schemes of endpoints that have an address. */
export type Scheme = "https" | "http" | "tcp" | "sal";

/** The place of a name in the zone. */
export type ZoneNode =
  /** Not in the zone. */
  | { kind: "outside" }
  /** The zone itself. */
  | { kind: "apex"; zone: Zone }
  /** It has names below it but no records. */
  | { kind: "empty"; zone: Zone }
  /** It is in the zone but can never be a valid name. */
  | { kind: "nowhere"; zone: Zone }
  /** The name of a service that may exist; `name` is its name for the resolver. */
  | { kind: "service"; zone: Zone; name: string; facet: Facet };

/** Labels of each zone's own name. */
const ZONE_LABELS = 2;

/** Finds the place of a name, given its labels in lower case. */
export function zoneNodeOf(labels: readonly string[]): ZoneNode {
  const last = labels.slice(-ZONE_LABELS).join(".");
  const zone = ZONES.find((each) => each === last);
  if (zone === undefined) return { kind: "outside" };
  const inner = labels.slice(0, -ZONE_LABELS);
  if (inner.length === 0) return { kind: "apex", zone };
  if (inner.at(-1) === "id") {
    return inner.length === 1 ? { kind: "empty", zone } : rawPlace(inner, zone);
  }
  const first = inner.findIndex((label) => !label.startsWith("_"));
  const own = first < 0 ? [] : inner.slice(first);
  const facet = facetOf(inner.slice(0, -own.length || undefined));
  if (facet === undefined || own.length > 2 || own.length === 0 || !own.every(isLabel)) {
    return { kind: "nowhere", zone };
  }
  return { kind: "service", zone, name: canonicalName(`${own.join(".")}.${zone}`), facet };
}

/** The label for an address under a raw name: `ip-192-0-2-7`, or `ip-` and eight groups. */
export function addressLabel(address: string): string {
  return `ip-${address.includes(":") ? groupsOf(address).join("-") : address.replaceAll(".", "-")}`;
}

/** An IPv6 address in its shortest form, as in URLs. */
export function plainV6(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

/** The eight groups of an IPv6 address. */
export function groupsOf(address: string): string[] {
  const [left = "", right] = plainV6(address).split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  return [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
}

function rawPlace(inner: readonly string[], zone: Zone): ZoneNode {
  const base = inner.at(-2) ?? "";
  const name = `${base}.id.${zone}`;
  const before = inner.slice(0, -2);
  const [first = ""] = before;
  const address = before.length === 1 ? addressIn(first) : undefined;
  const facet: Facet | undefined =
    address === undefined ? facetOf(before) : { kind: "address", address };
  return facet !== undefined && isName(name)
    ? { kind: "service", zone, name: canonicalName(name), facet }
    : { kind: "nowhere", zone };
}

function isName(name: string): boolean {
  try {
    parseName(name);
    return true;
  } catch {
    // It throws only NAME_INVALID for a text; the response says that there is no such name.
    return false;
  }
}

function addressIn(label: string): string | undefined {
  const groups = label.split("-").slice(1);
  if (!label.startsWith("ip-")) return undefined;
  const canonical =
    groups.length === 4 && groups.every((group) => /^\d{1,3}$/.test(group) && Number(group) < 256)
      ? groups.map(Number).join(".")
      : groups.length === 8 && groups.every((group) => /^[0-9a-f]{1,4}$/.test(group))
        ? plainV6(groups.join(":"))
        : undefined;
  // Only the canonical form of an address is accepted.
  return canonical !== undefined && addressLabel(canonical) === label ? canonical : undefined;
}

const facets: Readonly<Record<string, Facet>> = {
  "": { kind: "service" },
  _tcp: { kind: "transport" },
  "_bloc._tcp": { kind: "endpoints", scheme: undefined },
  "_https._tcp": { kind: "endpoints", scheme: "https" },
  "_http._tcp": { kind: "endpoints", scheme: "http" },
  "_sal._tcp": { kind: "endpoints", scheme: "sal" },
  _sal: { kind: "sal" },
  _record: { kind: "record" },
  _name: { kind: "nameRecord" },
};

function facetOf(prefix: readonly string[]): Facet | undefined {
  const key = prefix.join(".");
  return Object.hasOwn(facets, key) ? facets[key] : undefined;
}
