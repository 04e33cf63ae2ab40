import { DialRules } from "../../net/dialRules.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { workerFlags } from "../framework/commonFlags.ts";
import { limit } from "../framework/frontFlags.ts";
import { file, text, toggle } from "../framework/flag.ts";
import { anyText, duration, hostAndPort } from "../framework/values.ts";
import { runWorker } from "../framework/worker.ts";
import { clientOf, userFlags } from "./flags.ts";

/** `blockcloud proxy` */
export const proxy = chainCommand(
  {
    flags: {
      ...userFlags,
      listen: text("--listen <host:port>", "address at which programs use the proxy", hostAndPort, {
        env: "BLOCKCLOUD_PROXY",
        config: "proxy.listen",
        default: "127.0.0.1:1080",
      }),
      proxyPasswordFile: file(
        "--proxy-password-file <path>",
        "file with the password that programs must give, mode 600; needed beyond this host",
        anyText,
        { config: "proxy.passwordFile" },
      ),
      direct: toggle("--direct", "connect to other destinations, too, if they are public", {
        config: "proxy.direct",
      }),
      maxConnections: text(
        "--max-connections <count>",
        "connections at a time; 0: no limit",
        limit,
        {
          config: "proxy.maxConnections",
          default: "4096",
        },
      ),
      peerConnections: text(
        "--peer-connections <count>",
        "of them from one address; all programs of this host have the same one; 0: no limit",
        limit,
        { config: "proxy.peerConnections", default: "2048" },
      ),
      connectTime: text(
        "--connect-time <time>",
        "how long a connection may take to open",
        duration,
        {
          config: "proxy.connectTime",
          default: "30s",
        },
      ),
      idleTime: text(
        "--idle-time <time>",
        "how long an open connection may carry nothing (default: no limit)",
        duration,
        { config: "proxy.idleTime" },
      ),
      ...workerFlags,
    },
    examples: [
      "blockcloud proxy --listen 127.0.0.1:1080 --resolver http://127.0.0.1:8053",
      "curl --proxy socks5h://127.0.0.1:1080 http://weather.bloc.alt/forecast",
      "chromium --proxy-pac-url=http://127.0.0.1:1080/proxy.pac",
    ],
    notes: `One port answers SOCKS5, HTTP CONNECT, HTTP in absolute form, and /proxy.pac. Names under bloc.alt and
bloc.internal go to services; other destinations are refused, or with --direct connected within the rules of what may
be dialled. docs/sal.md describes what programs see.`,
    async run({ flags, deployment, io }) {
      const { createSalProxy } = await import("../../sal/proxy/salProxy.ts");
      const { ProxyMetrics } = await import("../../sal/proxy/metrics.ts");
      const { directDialler } = await import("../../sal/proxy/direct.ts");
      const { listen, allowLoopback, identity, proxyPasswordFile } = flags;
      const { host, port } = listen;
      return runWorker(flags, {
        name: "proxy",
        deployment,
        create: (log, metrics) => {
          const client = clientOf(flags, deployment, { timers: io.timers, log });
          const rules = new DialRules({ allowLoopback });
          const server = createSalProxy(
            {
              listen: { host: host === "" ? "127.0.0.1" : host, port },
              private: identity !== undefined,
              passwordFile: proxyPasswordFile,
              maxConnections: flags.maxConnections,
              maxConnectionsPerPeer: flags.peerConnections,
              connectMs: flags.connectTime,
              idleMs: flags.idleTime ?? 0,
            },
            {
              dial: async (target, signal) =>
                (await client).connect(target.host.replace(/\.bloc\.internal$/, ".bloc.alt"), {
                  port: target.port,
                  signal,
                }),
              ...(flags.direct && { direct: directDialler(rules) }),
              logger: log,
              timers: io.timers,
              observer: new ProxyMetrics(metrics),
            },
          );
          return {
            start: () => server.start(),
            stop: async () => {
              await server.stop();
              await (await client).close();
            },
          };
        },
      });
    },
  },
  { checkChain: false },
);
