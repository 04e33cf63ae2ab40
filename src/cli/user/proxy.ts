import { DialRules } from "../../net/dialRules.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { workerFlags } from "../framework/commonFlags.ts";
import { runWorker } from "../framework/worker.ts";
import { userFlags } from "./flags.ts";
import { checkPay, payFlags, payingClient } from "./payFlags.ts";
import { proxyFlags, proxyLimits } from "./proxyFlags.ts";

/** `blockcloud proxy` */
export const proxy = chainCommand(
  {
    flags: {
      ...userFlags,
      ...payFlags,
      ...proxyFlags,
      ...workerFlags,
    },
    examples: [
      "blockcloud proxy --listen 127.0.0.1:1080 --resolver http://127.0.0.1:8053",
      "blockcloud proxy --listen 0.0.0.0:1080 --proxy-password-file password",
      "blockcloud proxy --listen 127.0.0.1:1080 --max-spend 5 --payer-key-file payer.key",
    ],
    notes: `One port answers SOCKS5, HTTP CONNECT, HTTP in absolute form, and /proxy.pac. Names under bloc.alt and
bloc.internal go to services; other destinations are refused, or with --direct connected within the rules of what may
be dialled. docs/sal.md describes what programs see.

Programs use it like this:
  curl --proxy socks5h://127.0.0.1:1080 http://weather.bloc.alt/forecast
  chromium --proxy-pac-url=http://127.0.0.1:1080/proxy.pac`,
    async run({ flags, client: chain, deployment, io }) {
      const { createSalProxy } = await import("../../sal/proxy/salProxy.ts");
      const { ProxyMetrics } = await import("../../sal/proxy/metrics.ts");
      const { directDialler } = await import("../../sal/proxy/direct.ts");
      const { listen, allowLoopback, identity, proxyPasswordFile } = flags;
      const { host, port } = listen;
      return runWorker(flags, {
        name: "proxy",
        deployment,
        create: (log, metrics) => {
          const paying = payingClient(
            flags,
            deployment,
            { client: chain, timers: io.timers, log },
            { maxSessions: flags.maxSessions, sessionMs: flags.sessionTime },
          );
          const rules = new DialRules({ allowLoopback });
          const server = createSalProxy(
            {
              listen: { host: host === "" ? "127.0.0.1" : host, port },
              private: identity !== undefined,
              passwordFile: proxyPasswordFile,
              ...proxyLimits(flags),
            },
            {
              dial: async (target, signal) =>
                (await paying).client.connect(
                  target.host.replace(/\.bloc\.internal$/, ".bloc.alt"),
                  {
                    port: target.port,
                    signal,
                  },
                ),
              ...(flags.direct && { direct: directDialler(rules) }),
              logger: log,
              timers: io.timers,
              observer: new ProxyMetrics(metrics),
            },
          );
          return {
            start: async () => {
              // A wallet that cannot be opened ends the proxy at once.
              await paying;
              await server.start();
            },
            stop: async () => {
              await server.stop();
              await (await paying).close();
            },
          };
        },
      });
    },
  },
  { check: checkPay },
);
