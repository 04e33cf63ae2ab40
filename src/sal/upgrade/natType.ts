import type { Observation } from "../relay/observe.ts";

/** What stands between a host and its relays, as far as they can see it. */
export type NatType =
  /** The host has the address that relays see. */
  | "none"
  /** One port of the host is the same port outside, whatever it talks to (RFC 5382, REQ-1): it can be punched. */
  | "cone"
  /** Each destination sees another port: it cannot be punched. */
  | "symmetric"
  /** One observation only, or a host that leaves by several addresses. */
  | "unknown";

/** @param observations Of connections from one port of this host to different relays. */
export function natTypeOf(observations: readonly Observation[]): NatType {
  const [first, ...others] = observations;
  if (first === undefined) return "unknown";
  const isSame = ({ seen }: Observation) =>
    seen.address === first.seen.address && seen.port === first.seen.port;
  const { local, seen } = first;
  const isOpen = local.address === seen.address && local.port === seen.port;
  if (isOpen) return others.every(isSame) ? "none" : "unknown";
  if (others.length === 0) return "unknown";
  if (others.every(isSame)) return "cone";
  const isOneAddress = others.every(({ seen: each }) => each.address === first.seen.address);
  return isOneAddress ? "symmetric" : "unknown";
}
