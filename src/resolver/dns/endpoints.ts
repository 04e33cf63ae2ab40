import { isIP } from "node:net";
import { isInZones } from "../../protocol/name.ts";
import type { Endpoint } from "../../protocol/record.ts";
import { plainV6, type Scheme } from "./zone.ts";

/** An endpoint as DNS records can express it. */
export interface NetEndpoint {
  uri: string;
  scheme: Scheme;
  /** A host name in lower case, or an address. */
  host: string;
  isAddress: boolean;
  /** Undefined if neither the URI nor its scheme has a port. */
  port: number | undefined;
  priority: number;
  weight: number;
}

const defaultPorts: Readonly<Partial<Record<Scheme, number>>> = { http: 80, https: 443 };

/**
 * Parses an endpoint; undefined for one that DNS records cannot express: a local socket, an invalid host
 * name, or a host under `.alt` or `bloc.internal`, which only this server could resolve, and in a circle.
 */
export function netEndpoint({ uri, priority, weight }: Endpoint): NetEndpoint | undefined {
  const [, scheme, rest] = /^(https|http|tcp|sal):\/\/(.+)$/.exec(uri) ?? [];
  // Parsed as http, so that hosts of all schemes are read alike: numbers as addresses, and names in ASCII.
  const asHttp = `http://${rest ?? ""}`;
  if (scheme === undefined || !URL.canParse(uri) || !URL.canParse(asHttp)) return undefined;
  const { hostname } = new URL(asHttp);
  const plain = hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  const family = isIP(plain);
  if (family === 0 && !isHostName(plain)) return undefined;
  const { port } = new URL(uri);
  return {
    uri,
    scheme: scheme as Scheme,
    host: family === 6 ? plainV6(plain) : plain,
    isAddress: family !== 0,
    port: port === "" ? defaultPorts[scheme as Scheme] : Number(port),
    priority,
    weight,
  };
}

/** A host name by RFC 1123, with underscores, which some names contain; none that only this server resolves. */
function isHostName(host: string): boolean {
  const labels = host.split(".");
  return (
    host.length <= 253 &&
    labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?$/.test(label)) &&
    labels.at(-1) !== "alt" &&
    !isInZones(host)
  );
}
