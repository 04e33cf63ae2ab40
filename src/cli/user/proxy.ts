import { DialRules } from "../../net/dialRules.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { workerFlags } from "../framework/commonFlags.ts";
import { runWorker } from "../framework/worker.ts";
import { userFlags } from "./flags.ts";
import { checkPay, payFlags, payingClient } from "./payFlags.ts";
import { checkMap, mapFlags, mapOptions } from "./mapFlags.ts";
import { proxyFlags, proxyLimits } from "./proxyFlags.ts";

/** `blockcloud proxy` */
export const proxy = chainCommand(
  {
    flags: {
      ...userFlags,
      ...payFlags,
      ...proxyFlags,
      ...mapFlags,
      ...workerFlags,
    },
    examples: [
      "blockcloud proxy --listen 127.0.0.1:1080 --resolver http://127.0.0.1:8053",
      "blockcloud proxy --listen 0.0.0.0:1080 --proxy-password-file password",
      "blockcloud proxy --map 127.77.0.0/16 --ports 22,80,443,5432",
      "blockcloud proxy --listen 127.0.0.1:1080 --max-spend 5 --payer-key-file payer.key",
    ],
    notes: `One port answers SOCKS5, HTTP CONNECT, HTTP in absolute form, and /proxy.pac. Names under bloc.alt and
bloc.internal go to services; other destinations are refused, or with --direct connected within the rules of what may
be dialled. docs/sal.md describes what programs see.

Programs use it like this:
  curl --proxy socks5h://127.0.0.1:1080 http://weather.bloc.alt/forecast
  chromium --proxy-pac-url=http://127.0.0.1:1080/proxy.pac

With --map, a DNS server in the proxy answers each name with a loopback address that belongs to the service, and
programs need no setting: ssh roof.weather.bloc.alt. docs/resolver.md says how the system asks that server.`,
    async run({ flags, client: chain, deployment, io }) {
      const { createSalProxy } = await import("../../sal/proxy/salProxy.ts");
      const { ProxyMetrics } = await import("../../sal/proxy/metrics.ts");
      const { PathMetrics } = await import("../../sal/proxy/pathMetrics.ts");
      const { DnsMetrics } = await import("../../resolver/frontMetrics.ts");
      const { openAuthority } = await import("../../sal/proxy/https/authorityStore.ts");
      const { Terminator } = await import("../../sal/proxy/https/terminator.ts");
      const { MapStore, mapStoreFile } = await import("../../sal/proxy/map/mapStore.ts");
      const { directDialler } = await import("../../sal/proxy/direct.ts");
      const { listen, allowLoopback, identity, proxyPasswordFile, maxSpend } = flags;
      const map = mapOptions(flags);
      const { host, port } = listen;
      return runWorker(flags, {
        name: "proxy",
        deployment,
        create: (log, metrics) => {
          const paying = payingClient(
            flags,
            deployment,
            { client: chain, timers: io.timers, log, observer: new PathMetrics(metrics) },
            { maxSessions: flags.maxSessions, sessionMs: flags.sessionTime },
          );
          const rules = new DialRules({ allowLoopback });
          const store = map && new MapStore(mapStoreFile(flags.state, deployment));
          const now = () => io.now();
          const terminator = flags.https
            ? new Terminator(openAuthority(flags.state, now()), now)
            : undefined;
          const observer = new ProxyMetrics(metrics);
          const server = createSalProxy(
            {
              listen: { host: host === "" ? "127.0.0.1" : host, port },
              // Other users' programs would act in this user's name, or spend its money.
              private: identity !== undefined || maxSpend !== undefined,
              passwordFile: proxyPasswordFile,
              ...proxyLimits(flags),
              ...(map && { map }),
            },
            {
              dial: async ({ host, port: ofService }, signal) =>
                (await paying).client.connect(host, { port: ofService, signal }),
              ...(flags.direct && { direct: directDialler(rules) }),
              logger: log,
              timers: io.timers,
              observer,
              ...(store && {
                map: {
                  store,
                  serviceOf: async (name, signal) =>
                    (await (await paying).client.resolve(name, { signal })).serviceId,
                  now: () => io.now() / 1000,
                  dnsObserver: new DnsMetrics(metrics),
                  ...(terminator && { terminator }),
                  changed: (mappings, listening) => {
                    observer.mapped(mappings, listening);
                  },
                },
              }),
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
              store?.close();
              await (await paying).close();
            },
          };
        },
      });
    },
  },
  {
    check: (...settings) => {
      checkPay(...settings);
      checkMap(...settings);
    },
  },
);
