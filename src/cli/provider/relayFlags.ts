import type { RelaySettings } from "../../provider/relays/relayLines.ts";
import { list, text, type Values } from "../framework/flag.ts";
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
};

/** The settings that {@link relayFlags} give. */
export function relaySettings(flags: Values<typeof relayFlags>): RelaySettings {
  const { relays = [], relayVisitors: maxVisitors, relayVisitorRate: visitorsPerSecond } = flags;
  return { relays, limits: { maxVisitors, visitorsPerSecond } };
}
