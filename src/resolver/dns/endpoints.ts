import { isIP } from "node:net";
import type { Endpoint } from "../../protocol/record.ts";
import { plainV6, type Scheme } from "./zone.ts";

/** An endpoint as the DNS can tell it. */
export interface NetEndpoint {
  uri: string;
  scheme: Scheme;
  /** A host name in lower case, or an address. */
  host: string;
  isAddress: boolean;
  /** Undefined where neither the URI nor its scheme says one. */
  port: number | undefined;
  priority: number;
  weight: number;
}

const defaultPorts: Readonly<Partial<Record<Scheme, number>>> = { http: 80, https: 443 };

/**
 * Reads an endpoint; undefined for one that has no place in the DNS: a local socket, a host that is no host
 * name, or one under `.alt`, which no name server but this could resolve, and in a circle.
 */
export function netEndpoint({ uri, priority, weight }: Endpoint): NetEndpoint | undefined {
  const [, scheme, rest] = /^(https|http|tcp|sal):\/\/(.+)$/.exec(uri) ?? [];
  // As http, so that hosts are read alike in all of them: numbers as addresses, and names in ASCII.
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

/** RFC 1123, with underscores, which some names have; not under `.alt`. */
function isHostName(host: string): boolean {
  const labels = host.split(".");
  return (
    host.length <= 253 &&
    labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?$/.test(label)) &&
    labels.at(-1) !== "alt"
  );
}
