import { disposable, type Worker } from "../node/lifecycle.ts";
import { createProviders, type AgentOptions, type ProviderEnvironment } from "./createProviders.ts";
import { fixedSource, type ServiceKeys, type ServiceSettings } from "./fleet/plan.ts";

/** Options of an agent with one service. */
export interface ProviderOptions extends AgentOptions, ServiceSettings, ServiceKeys {}

/**
 * Assembles a provider's agent, ready to start.
 *
 * @example
 * await using provider = createProvider(
 *   {
 *     deployment: loadDeployment("deployments/sepolia.json"),
 *     rpcUrls: ["https://rpc.example"],
 *     number: 7n,
 *     serviceKey,
 *     previousKeys: [],
 *     walletKey,
 *     upstream: new URL("http://127.0.0.1:3000"),
 *     listen: { host: "0.0.0.0", port: 8080 },
 *     endpoint: "https://weather.example",
 *     stateDir: ".blockcloud",
 *     coral: { chainId, registry, listen: ["/ip4/0.0.0.0/tcp/4170"], bootstrap, subscribe: false },
 *     settleEvery: 24,
 *   },
 *   { timers: systemTimers, log: createLogger({ name: "provider", level: "info" }) },
 * );
 * await provider.start();
 */
export function createProvider(options: ProviderOptions, environment: ProviderEnvironment): Worker {
  const source = fixedSource(options, options);
  return disposable(createProviders(options, source, environment));
}
