import { silentLogger } from "../../src/node/logger.ts";
import { createMetrics } from "../../src/node/metrics.ts";
import { systemTimers } from "../../src/node/timers.ts";
import type { PaySettings } from "../../src/provider/pay/settings.ts";
import { createProvider } from "../../src/provider/createProvider.ts";
import { createFronts } from "../../src/resolver/createFronts.ts";
import { createResolver } from "../../src/resolver/createResolver.ts";
import { startUpstream } from "../../devnet/upstreams.ts";
import path from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { HORIZON } from "../../src/protocol/epoch.ts";
import { CliRig, parts, PROBE } from "./cliRig.ts";

/**
 * Service 1, labelled weather, and service 2, which does not run: a chain, a resolver that others join the record network by, and a provider,
 * all in this process and all real.
 */
export class WeatherRig {
  readonly chain: CliRig;
  /** The resolver's URL. */
  readonly resolverUrl: string;
  /** Multiaddr of the resolver's node. */
  readonly bootstrap: string;
  /** Where the service's own server is. */
  readonly upstreamUrl: string;
  readonly #closing: (() => Promise<void>)[];

  private constructor(
    chain: CliRig,
    at: { resolverUrl: string; bootstrap: string; upstreamUrl: string },
    closing: (() => Promise<void>)[],
  ) {
    this.chain = chain;
    this.resolverUrl = at.resolverUrl;
    this.bootstrap = at.bootstrap;
    this.upstreamUrl = at.upstreamUrl;
    this.#closing = closing;
  }

  /** The deployment's file. */
  get deploymentFile(): string {
    return path.join(this.chain.folder, "devnet.json");
  }

  /** The key of service 2. */
  get echoKeyFile(): string {
    return path.join(this.chain.folder, "newKey.key");
  }

  get rpcUrl(): string {
    return this.chain.devnet.rpcUrl;
  }

  /**
   * Starts everything; once it has started, the resolver knows where the service is.
   *
   * @param pay What service 1 costs; default: nothing.
   */
  static async start(pay?: PaySettings): Promise<WeatherRig> {
    const closing: (() => Promise<void>)[] = [];
    const chain = await CliRig.start();
    closing.unshift(() => chain.stop());
    const run = async (command: string) => {
      const { code, stderr } = await chain.cli(`${command} --wallet-key-file wallet.key --yes`);
      if (code !== 0) throw new Error(`${command}: ${stderr}`);
    };
    await run(`service register --probe '${PROBE}' --service-key-file service.key`);
    // Service 2 is for programs that provide one themselves.
    await run(`service register --probe '${PROBE}' --service-key-file newKey.key`);
    // Only a service that is active by now can take a label.
    await chain.epochs(HORIZON);
    await run("service label --service 1 --label weather");

    const { rpcUrl, deployment } = chain.devnet;
    const rpcUrls = [rpcUrl];
    const environment = { timers: systemTimers, log: silentLogger };
    const listen = ["/ip4/127.0.0.1/tcp/0"];
    const resolver = createResolver(
      { rpcUrls, deployment, coral: { listen, allowPrivate: true } },
      environment,
    );
    closing.unshift(() => resolver.stop());
    await resolver.start();
    const http = { host: "127.0.0.1", port: 0 };
    const fronts = createFronts(
      { http, dns: undefined, httpRate: 0, dnsRate: 0, allowLoopback: true },
      { ...environment, metrics: createMetrics("test"), resolver, now: () => resolver.now() },
    );
    closing.unshift(() => fronts.stop());
    await fronts.start();
    const [bootstrap = ""] = resolver.network.addresses;

    const upstream = await startUpstream((request, response) => {
      const [, bytes] = /^\/bytes\/(\d{1,9})$/.exec(request.url ?? "") ?? [];
      if (bytes !== undefined) response.end(Buffer.alloc(Number(bytes), "."));
      else if (request.url !== "/echo") response.end("sunny");
      else void text(request as Readable).then((body) => response.end(body));
    });
    closing.unshift(() => upstream.stop());
    const published = Promise.withResolvers<undefined>();
    resolver.network.onArrival(() => {
      published.resolve(undefined);
    });
    const provider = createProvider(
      {
        ...{ rpcUrls, deployment, number: 1n, previousKeys: [], settleEvery: 1 },
        ...{ serviceKey: parts.service.key, walletKey: parts.wallet.key },
        upstream: new URL(upstream.url),
        listen: { host: "127.0.0.1", port: 0 },
        endpoint: undefined,
        stateDir: path.join(chain.folder, "state"),
        pay,
        coral: {
          ...{ chainId: deployment.chainId, registry: deployment.contracts.registry },
          ...{ listen, bootstrap: [bootstrap], subscribe: false, allowPrivate: true },
        },
      },
      environment,
    );
    closing.unshift(() => provider.stop());
    await provider.start();
    await published.promise;
    const resolverUrl = `http://127.0.0.1:${fronts.http?.port ?? 0}`;
    const upstreamUrl = upstream.url;
    return new WeatherRig(chain, { resolverUrl, bootstrap, upstreamUrl }, closing);
  }

  async stop(): Promise<void> {
    for (const close of this.#closing.splice(0)) await close();
  }
}
