import { ownAddress, parseMapRange } from "../../sal/proxy/map/range.ts";
import type { Check } from "../framework/command.ts";
import { limit } from "../framework/frontFlags.ts";
import { text, toggle, type Values } from "../framework/flag.ts";
import { hostAndPort, refine, wholeNumber } from "../framework/values.ts";

const range = refine(
  (value) => parseMapRange(value),
  "Give a range in 127.0.0.0/8, outside of 127.0.0.0/16, for example 127.77.0.0/16.",
);

const ports = refine((value) => {
  const numbers = value.split(",").map((part) => (/^\d{1,5}$/.test(part) ? Number(part) : 0));
  const isValid = numbers.every((port) => port >= 1 && port <= 65_535) && numbers.length <= 64;
  return isValid && new Set(numbers).size === numbers.length ? numbers : undefined;
}, "Give ports with commas between them, for example 22,80,443.");

/** The flag that every command about mapped addresses has. */
export const map = text(
  "--map <range>",
  "loopback addresses for services, for programs without a proxy setting, such as 127.77.0.0/16",
  range,
  { env: "BLOCKCLOUD_PROXY_MAP", config: "proxy.map" },
);

/** Flags of mapped addresses. */
export const mapFlags = {
  map,
  ports: text("--ports <list>", "ports at which each mapped address listens", ports, {
    config: "proxy.ports",
    default: "22,80,443",
  }),
  mapDns: text(
    "--map-dns <host:port>",
    "where the proxy's DNS listens (default: port 53 of the range's first address)",
    hostAndPort,
    { config: "proxy.mapDns" },
  ),
  https: toggle(
    "--https",
    "end TLS at port 443 of mapped addresses, with the authority of proxy ca, and go on at port 80",
    { config: "proxy.https" },
  ),
  mapListeners: text(
    "--map-listeners <count>",
    "mapped addresses at which the proxy listens at a time",
    wholeNumber(1, 65_536),
    { config: "proxy.mapListeners", default: "1024" },
  ),
  mapRate: text(
    "--map-rate <count>",
    "services that may get an address in a minute; 0: no limit",
    limit,
    { config: "proxy.mapRate", default: "120" },
  ),
};

/** The option `map` of a proxy; undefined without `--map`. */
export function mapOptions(flags: Values<typeof mapFlags>) {
  if (flags.map === undefined) return undefined;
  return {
    range: flags.map.text,
    ports: [...flags.ports],
    dns: flags.mapDns ?? { host: ownAddress(flags.map), port: 53 },
    maxAddresses: flags.mapListeners,
    newPerMinute: flags.mapRate,
  };
}

/** Checks that the flags of mapped addresses stand beside `--map`. */
export const checkMap: Check = ({ found, values }, _, problems) => {
  if (found.map !== undefined) {
    const { https, ports: listed } = values;
    if (https === true && Array.isArray(listed) && !listed.includes(443))
      problems.add("--https: give --ports with 443 among them.");
    return;
  }
  for (const name of ["ports", "mapDns", "https", "mapListeners", "mapRate"]) {
    const source = found[name]?.source;
    if (source !== undefined && source !== "default") problems.add(`${source}: give --map, too.`);
  }
};
