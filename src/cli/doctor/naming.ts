import { canonicalName, ZONE, ZONES } from "../../protocol/name.ts";
import { addressText, numberOf, type MapRange } from "../../sal/proxy/map/range.ts";
import { ill, well, type CheckResult } from "./check.ts";
import type { Looked, NameService } from "./nameService.ts";

/** The first version of systemd-resolved that answers every name under alt itself, with NXDOMAIN. */
const RESOLVED_REFUSES_ALT = 255;
/** Addresses at which systemd-resolved listens. */
const RESOLVED = ["127.0.0.53", "127.0.0.54"];

export interface NamingToCheck {
  /** As the user wrote it. */
  name: string;
  /** The range of mapped addresses; undefined if the proxy maps none. */
  range: MapRange | undefined;
  /** Where the proxy's DNS listens. */
  dns: { host: string; port: number };
}

/** Checks that a name leads programs of this system to the proxy, and says what is in the way. */
export async function examineNaming(
  { name, range, dns }: NamingToCheck,
  system: NameService,
): Promise<readonly CheckResult[]> {
  const asked = await system.lookup(name);
  const title = `name ${name}`;
  if ("addresses" in asked && asked.addresses.length > 0) {
    const [address = ""] = asked.addresses;
    if (range === undefined || isIn(range, address)) return [well(title, address)];
    return [
      ill(
        title,
        `${address} is not in ${range.text}`,
        "Another name server or a hosts file answers: see docs/resolver.md for the order in which they are asked.",
      ),
    ];
  }
  const why = "code" in asked ? asked.code : "no address";
  if (range === undefined) {
    return [ill(title, why, `Start blockcloud proxy --map, or forward the zone; ${DOCS}.`)];
  }
  const direct = await system.ask(dns, name);
  if (!("addresses" in direct)) return [ill(title, why, remedyOfProxy(direct.code, dns))];
  const other = otherZone(name);
  const there = await system.lookup(other);
  const isThere = "addresses" in there && there.addresses.some((each) => isIn(range, each));
  const answered = `${why}; the proxy's DNS says ${direct.addresses.join(" ")}`;
  const intercepts = interceptor(system, dns, name, isThere);
  return [
    ill(title, `${answered}; ${intercepts.what}`, intercepts.remedy),
    ...(isThere ? [well(`name ${other}`, textOf(there))] : []),
  ];
}

/** Why the system does not ask the proxy's DNS, and what to do. */
function interceptor(
  system: NameService,
  dns: { host: string; port: number },
  name: string,
  isOtherThere: boolean,
): { what: string; remedy: string } {
  const at = `${dns.host}${dns.port === 53 ? "" : `:${dns.port}`}`;
  if (system.platform === "darwin") {
    return {
      what: "macOS asks other name servers",
      remedy: `Write "nameserver ${dns.host}" and "port ${dns.port}" into /etc/resolver/bloc.alt and /etc/resolver/bloc.internal.`,
    };
  }
  const sources = /^hosts:(.*)$/m.exec(system.read("/etc/nsswitch.conf") ?? "")?.[1] ?? "files dns";
  const words = sources.split("#", 1)[0]?.trim().split(/\s+/) ?? [];
  const servers = serversOf(system.read("/etc/resolv.conf") ?? "");
  const usesResolved = words.includes("resolve") || servers.some((each) => RESOLVED.includes(each));
  const version = system.systemd();
  if (usesResolved && version !== undefined) {
    const isAlt = isUnderAlt(name);
    if (isAlt && version >= RESOLVED_REFUSES_ALT && isOtherThere) {
      return {
        what: `systemd-resolved ${version} answers every name under alt itself, with NXDOMAIN`,
        remedy: `Use ${otherZone(name)}, or write the name into the hosts file: blockcloud proxy hosts ${name} --write.`,
      };
    }
    const also = isAlt && version >= RESOLVED_REFUSES_ALT ? ` Then use ${otherZone(name)}.` : "";
    return {
      what: "systemd-resolved does not ask it",
      remedy: `Write "[Resolve]", "DNS=${at}" and "Domains=~bloc.alt ~bloc.internal" into /etc/systemd/resolved.conf.d/blockcloud.conf, and restart systemd-resolved.${also}`,
    };
  }
  if (!words.includes("dns") && !words.includes("resolve")) {
    return {
      what: `/etc/nsswitch.conf asks no name server (hosts: ${words.join(" ")})`,
      remedy: `Add dns to its line hosts, or use blockcloud proxy hosts ${name} --write.`,
    };
  }
  if (servers.includes(dns.host) && dns.port === 53) {
    return {
      what: `/etc/resolv.conf names it after others (${servers.join(" ")})`,
      remedy: "Name it first, or let the first one forward the zones to it; " + DOCS + ".",
    };
  }
  return {
    what: `/etc/resolv.conf names ${servers.join(" ") || "no name server"}`,
    remedy:
      dns.port === 53
        ? `Let that server forward bloc.alt and bloc.internal to ${dns.host}, or name it first; ${DOCS}.`
        : `Let that server forward bloc.alt and bloc.internal to ${at}: /etc/resolv.conf can name no port; ${DOCS}.`,
  };
}

const DOCS = "docs/resolver.md has the lines";

function remedyOfProxy(code: string, { host, port }: { host: string; port: number }): string {
  if (code === "ENOTFOUND") return "The proxy's DNS knows no such service: check the name.";
  if (code === "ENODATA")
    return "The service has no address now: it is inactive, or has published nothing.";
  if (code === "ESERVFAIL") return "The proxy's DNS cannot tell now: its log has the reason.";
  return `No DNS server answers at ${host}:${port} (${code}): start blockcloud proxy --map, or name its address with --map-dns.`;
}

function serversOf(resolvConf: string): string[] {
  return [...resolvConf.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, server = ""]) => server);
}

/** The same name in the other zone. */
function otherZone(name: string): string {
  const inner = canonicalName(name).slice(0, -ZONE.length);
  return `${inner}${isUnderAlt(name) ? ZONES[1] : ZONE}`;
}

function isUnderAlt(name: string): boolean {
  return name.toLowerCase().replace(/\.$/, "").endsWith(`.${ZONE}`);
}

function isIn({ first, last }: MapRange, address: string): boolean {
  if (!/^\d+\.\d+\.\d+\.\d+$/.test(address)) return false;
  const number = numberOf(address);
  return number >= first && number <= last && addressText(number) === address;
}

function textOf(looked: Looked): string {
  return "addresses" in looked ? looked.addresses.join(" ") : looked.code;
}
