import type { Hex } from "viem";
import { parseName, rawName } from "../../protocol/name.ts";

/** TLS server name of a service: its raw name; of one instance of several, with the instance before it. */
export function serverNameOf(serviceId: Hex, instance?: string): string {
  const name = rawName(serviceId);
  return instance === undefined ? name : `${instance}.${name}`;
}

/** The service that a TLS server name means; undefined for any other name. */
export function parseServerName(
  serverName: string,
): { serviceId: Hex; instance: string | undefined } | undefined {
  const match = /^(?:([0-9a-f]{16})\.)?([a-z2-7]{52}\.id\.bloc\.alt)$/.exec(serverName);
  const raw = match?.[2];
  if (raw === undefined) return undefined;
  try {
    const name = parseName(raw);
    if (name.kind !== "id") return undefined;
    return { serviceId: name.serviceId, instance: match?.[1] };
  } catch {
    // A server name is a stranger's text: it means no service then.
    return undefined;
  }
}
