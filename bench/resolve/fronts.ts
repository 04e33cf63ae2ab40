import { resolveHost } from "../../src/net/resolve.ts";
import { Metrics } from "../../src/node/metrics.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { DnsFront } from "../../src/resolver/dns/dnsFront.ts";
import { DnsMetrics, HttpMetrics } from "../../src/resolver/frontMetrics.ts";
import { HttpFront } from "../../src/resolver/http/httpFront.ts";
import { nameOf } from "./services.ts";
import { now, signingNetwork, silent, syntheticResolver } from "./syntheticResolver.ts";
import { serve } from "./worker.ts";

/** The ports of the fronts. */
export interface FrontPorts {
  dns: number;
  http: number;
}

serve({ start });

/** A process of fronts: how many services it serves, and the ports that it shares with other processes. */
export interface FrontSetup {
  services: number;
  /** Ports 0 choose free ones; undefined for ports that are not shared. */
  shared?: FrontPorts;
}

/** Starts a resolver with its services cached by name, and the same fronts as `resolver run`. */
async function start({ services, shared }: FrontSetup): Promise<FrontPorts> {
  const resolver = syntheticResolver(services, signingNetwork());
  await resolver.start();
  for (let number = 1; number <= services; number += 1) await resolver.resolve(nameOf(number));
  const metrics = new Metrics("resolver");
  const listen = (port = 0) => ({ host: "127.0.0.1", port, shared: shared !== undefined });
  const common = { resolver, now, timers: systemTimers, log: silent };
  const dns = new DnsFront(
    { listen: listen(shared?.dns), answersPerSecond: 0, allowLoopback: false, seed: 1 },
    { ...common, resolveHost, observer: new DnsMetrics(metrics) },
  );
  const http = new HttpFront(
    { listen: listen(shared?.http), namesPerSecond: 0 },
    { ...common, metrics, observer: new HttpMetrics(metrics) },
  );
  await dns.start();
  await http.start();
  return { dns: dns.address.port, http: http.address.port };
}
