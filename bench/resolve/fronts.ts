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

/** Starts a resolver with its services cached by name, and the same fronts as `resolver run`. */
async function start(services: number): Promise<FrontPorts> {
  const resolver = syntheticResolver(services, signingNetwork());
  await resolver.start();
  for (let number = 1; number <= services; number += 1) await resolver.resolve(nameOf(number));
  const metrics = new Metrics("resolver");
  const listen = { host: "127.0.0.1", port: 0 };
  const shared = { resolver, now, timers: systemTimers, log: silent };
  const dns = new DnsFront(
    { listen, answersPerSecond: 0, allowLoopback: false, seed: 1 },
    { ...shared, resolveHost, observer: new DnsMetrics(metrics) },
  );
  const http = new HttpFront(
    { listen, namesPerSecond: 0 },
    { ...shared, metrics, observer: new HttpMetrics(metrics) },
  );
  await dns.start();
  await http.start();
  return { dns: dns.address.port, http: http.address.port };
}
