import { inOrder } from "../../node/lifecycle.ts";
import { systemTimers } from "../../node/timers.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { chainPace, workerFlags } from "../framework/commonFlags.ts";
import { coralFlags, coralOptions } from "../framework/coralFlags.ts";
import { runWorker } from "../framework/worker.ts";
import * as resolverFlags from "./flags.ts";
import { frontLimits, limitFlags } from "./limitFlags.ts";

/** The address of the HTTP server if neither --http nor --dns is given. */
const DEFAULT_HTTP = { host: "127.0.0.1", port: 8053 };

/** `blockcloud resolver run` */
export const resolverRun = chainCommand({
  flags: {
    ...resolverFlags,
    ...limitFlags,
    ...coralFlags(0),
    ...workerFlags,
  },
  examples: [
    "blockcloud resolver run --http :8053 --dns :5335",
    "blockcloud resolver run --http :8053 --trust-proxy 127.0.0.1 --trust-proxy 192.0.2.0/24",
    "blockcloud resolver run --dns 192.0.2.53:53 --coral-bootstrap /ip4/203.0.113.7/tcp/4170",
  ],
  notes:
    "docs/resolver.md describes both interfaces, and how other name servers forward to the resolver.",
  async run({ flags, deployment }) {
    // The record network takes half a second to load: not for every command.
    const { createFronts } = await import("../../resolver/createFronts.ts");
    const { createResolver } = await import("../../resolver/createResolver.ts");
    return runWorker(flags, {
      name: "resolver",
      deployment,
      create: (log, metrics) => {
        const { allowLoopback, dns, dnsRate, httpRate, sharePorts: shared } = flags;
        const environment = { timers: systemTimers, log, metrics };
        const node = { name: "resolver", subscribe: true, allowLoopback };
        const resolver = createResolver(
          {
            rpcUrls: flags.rpc,
            pace: chainPace(flags),
            deployment,
            coral: coralOptions(flags, deployment, node),
            stateDir: flags.state,
          },
          environment,
        );
        const http = flags.http ?? (dns === undefined ? DEFAULT_HTTP : undefined);
        const fronts = createFronts(
          {
            http: http && { ...http, shared },
            dns: dns && { ...dns, shared },
            ...{ httpRate, dnsRate, allowLoopback, ...frontLimits(flags) },
          },
          { resolver, now: () => resolver.now(), ...environment },
        );
        return inOrder(resolver, fronts);
      },
    });
  },
});
