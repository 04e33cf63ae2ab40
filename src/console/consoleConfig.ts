import type { Deployment } from "../chain/deployment.ts";

/** The config.json of a page whose sources are paths of its own origin. */
export function consoleConfig(
  deployment: Deployment,
  options: { hasIndex: boolean; isEmbedded: boolean },
): object {
  const { network, chainId, block, genesis, epochSeconds, abiHash, contracts } = deployment;
  return {
    rpc: "./rpc",
    ...(options.hasIndex && { index: "./index" }),
    resolver: "./resolver",
    call: "./call",
    paths: "./paths",
    ...(options.isEmbedded && { embedded: true }),
    deployment: { network, chainId, block, genesis, epochSeconds, abiHash, contracts },
  };
}
