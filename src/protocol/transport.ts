import type { Endpoint } from "./record.ts";

/** The transports over which auditors inspect; each is the scheme of its endpoints. */
export const transports = ["http", "https", "sal"] as const;
export type Transport = (typeof transports)[number];

/** The transport of an endpoint; undefined for one over which this version does not inspect. */
export function transportOf({ uri }: Pick<Endpoint, "uri">): Transport | undefined {
  return transports.find((transport) => uri.startsWith(`${transport}://`));
}
