import { inOrder } from "../../node/lifecycle.ts";
import { systemTimers } from "../../node/timers.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { workerFlags } from "../framework/commonFlags.ts";
import { coralFlags, coralOptions } from "../framework/coralFlags.ts";
import { text, toggle } from "../framework/flag.ts";
import { portOrHostAndPort, wholeNumber } from "../framework/values.ts";
import { runWorker } from "../framework/worker.ts";

/** Where HTTP is answered when neither front is asked for. */
const DEFAULT_HTTP = { host: "127.0.0.1", port: 8053 };

/** `blockcloud resolver run` */
export const resolverRun = chainCommand({
  name: "run",
  about: "Answer over HTTP and DNS where services are, each answer with its signed record.",
  flags: {
    http: text(
      "--http <host:port>",
      "where HTTP is answered; :port is this host alone (default: 127.0.0.1:8053 without --dns)",
      portOrHostAndPort,
      { env: "BLOCKCLOUD_RESOLVER_HTTP", config: "resolver.http" },
    ),
    dns: text(
      "--dns <host:port>",
      "where DNS is answered for bloc.alt, over UDP and TCP; :port is this host alone",
      portOrHostAndPort,
      { env: "BLOCKCLOUD_RESOLVER_DNS", config: "resolver.dns" },
    ),
    httpRate: text(
      "--http-rate <names>",
      "names a second that one address may ask for over HTTP; 0: no limit",
      wholeNumber(0, 1_000_000),
      { config: "resolver.httpRate", default: "100" },
    ),
    dnsRate: text(
      "--dns-rate <answers>",
      "DNS answers a second to one network (/24, /64) over UDP; 0: no limit; loopback has none",
      wholeNumber(0, 1_000_000),
      { config: "resolver.dnsRate", default: "200" },
    ),
    allowLoopback: toggle(
      "--allow-loopback",
      "devnet switch: connect to nodes on loopback, and answer DNS with loopback addresses",
      { config: "resolver.allowLoopback" },
    ),
    ...coralFlags(0),
    ...workerFlags,
  },
  examples: [
    "blockcloud resolver run --http :8053 --dns :5353",
    "blockcloud resolver run --dns 192.0.2.53:53 --coral-bootstrap /ip4/203.0.113.7/tcp/4170",
  ],
  notes: "docs/resolver.md says what is answered, and how name servers are pointed at it.",
  async run({ flags, deployment }) {
    // The record network takes half a second to load: not for every command.
    const { createFronts } = await import("../../resolver/createFronts.ts");
    const { createResolver } = await import("../../resolver/createResolver.ts");
    return runWorker(flags, {
      name: "resolver",
      deployment,
      create: (log, metrics) => {
        const { allowLoopback, dns, dnsRate, httpRate } = flags;
        const environment = { timers: systemTimers, log, metrics };
        const node = { name: "resolver", subscribe: true, allowLoopback };
        const resolver = createResolver(
          {
            rpcUrls: flags.rpc,
            deployment,
            coral: coralOptions(flags, deployment, node),
            stateDir: flags.state,
          },
          environment,
        );
        const http = flags.http ?? (dns === undefined ? DEFAULT_HTTP : undefined);
        const fronts = createFronts(
          { http, dns, httpRate, dnsRate, allowLoopback },
          { resolver, now: () => resolver.now(), ...environment },
        );
        return inOrder(resolver, fronts);
      },
    });
  },
});
