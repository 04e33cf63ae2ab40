import type { RelaySettings } from "../../provider/relays/relayLines.ts";
import { list, text, toggle, type Values } from "../framework/flag.ts";
import { limit } from "../framework/frontFlags.ts";
import { hostAndPort, wholeNumber } from "../framework/values.ts";

/** Flags of a provider behind relays. */
export const relayFlags = {
  relays: list(
    "--relay <host:port...>",
    "relay through which clients reach the service, for a provider behind NAT; give two or more",
    hostAndPort,
    { config: "provider.relays" },
  ),
  relayVisitors: text(
    "--relay-visitors <count>",
    "connections through one relay at a time, whatever addresses it tells; 0: no limit",
    limit,
    { config: "provider.relayVisitors", default: "1024" },
  ),
  relayVisitorRate: text(
    "--relay-visitor-rate <visitors>",
    "visitors that one relay may bring a second, and 4 times as many at once",
    wholeNumber(1, 1_000_000),
    { config: "provider.relayVisitorRate", default: "100" },
  ),
  relayOnly: toggle("--relay-only", "clients stay on the relays; no direct path is tried", {
    config: "provider.relayOnly",
  }),
  lan: toggle("--lan", "clients in this host's own networks may come directly", {
    config: "provider.lan",
  }),
  mapPort: toggle("--map-port", "ask the gateway by NAT-PMP to lead a port here", {
    config: "provider.mapPort",
  }),
  directTries: text(
    "--direct-tries <count>",
    "direct paths that are tried a minute, in all; half of them for one address",
    wholeNumber(1, 1_000),
    { config: "provider.directTries", default: "10" },
  ),
};

/** The settings that {@link relayFlags} give. */
export function relaySettings(flags: Values<typeof relayFlags>): RelaySettings {
  const { relays = [], relayVisitors: maxVisitors, relayVisitorRate: visitorsPerSecond } = flags;
  const { relayOnly, lan, mapPort, directTries: triesPerMinute } = flags;
  return {
    ...{ relays, limits: { maxVisitors, visitorsPerSecond } },
    direct: { relayOnly, lan, mapPort, triesPerMinute },
  };
}
