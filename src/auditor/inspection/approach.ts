import type { ProbeRequest } from "../../protocol/probe.ts";
import type { Endpoint } from "../../protocol/record.ts";
import { transportOf, type Transport } from "../../protocol/transport.ts";

/** A way to a service: a transport, and the endpoints that are tried over it, in their order. */
export interface Approach {
  transport: Transport;
  endpoints: readonly string[];
}

/** The ways to a service that a request can take. */
export interface Approaches {
  /** One for each transport: users choose among them, so each has to work. */
  usable: readonly Approach[];
  /** Whether the record names an endpoint over which this auditor cannot inspect, whatever it is. */
  hasForeign: boolean;
}

/**
 * Finds the ways to a service.
 *
 * @param endpoints In order of preference.
 * @param speaksSal Whether this auditor speaks the SAL.
 */
export function approachesTo(
  endpoints: readonly Pick<Endpoint, "uri">[],
  request: ProbeRequest,
  speaksSal: boolean,
): Approaches {
  const spoken = endpoints.map((endpoint) => {
    const transport = transportOf(endpoint);
    return { uri: endpoint.uri, transport: transport === "sal" && !speaksSal ? null : transport };
  });
  const over = (transport: Transport) =>
    spoken.filter((each) => each.transport === transport).map(({ uri }) => uri);
  // A URL has one endpoint: HTTP clients take the first one that they can use.
  const web = spoken.find(({ transport }) => transport === "http" || transport === "https");
  const sal = over("sal");
  const usable: Approach[] = [];
  if (!("expect" in request) && web?.transport) {
    usable.push({ transport: web.transport, endpoints: [web.uri] });
  }
  // A session races all of its endpoints.
  if (sal.length > 0) usable.push({ transport: "sal", endpoints: sal });
  return { usable, hasForeign: spoken.some(({ transport }) => !transport) };
}
