import { isIPv6 } from "node:net";

/** Where a relay is reached. */
export interface RelayAddress {
  /** An address, or a name of the DNS, without brackets. */
  host: string;
  port: number;
}

/** `host:port`, as reservations name a relay and as its own list of names has it. */
export function relayName({ host, port }: RelayAddress): string {
  const plain = host.toLowerCase();
  return `${isIPv6(plain) ? `[${plain}]` : plain}:${port}`;
}

/** The relay that `host:port` names; undefined for any other text. */
export function parseRelay(text: string): RelayAddress | undefined {
  const [, v6, name, digits = ""] = /^(?:\[([^\]]+)\]|([\w.-]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = v6 === undefined ? name : isIPv6(v6) ? v6 : undefined;
  const port = Number(digits);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

/** The endpoint of a service behind a relay. The query is a claim: clients dial it like any other. */
export function relayEndpoint(relay: RelayAddress): string {
  return `sal://${relayName(relay)}?relay`;
}

/** Whether an endpoint says that it leads through a relay. */
export function isRelayed(uri: string): boolean {
  return uri.startsWith("sal://") && URL.parse(uri)?.searchParams.has("relay") === true;
}
