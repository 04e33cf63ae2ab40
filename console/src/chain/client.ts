import { createPublicClient, http, type PublicClient } from "viem";
import type { ConsoleConfig } from "../config.ts";
import { PageError } from "../failure.ts";

/** The chain, over one JSON-RPC endpoint. */
export type ChainClient = PublicClient;

/** A client whose calls of one turn go out as one request. */
export function createClient({ rpc }: Pick<ConsoleConfig, "rpc">): ChainClient {
  return createPublicClient({
    transport: http(rpc, {
      batch: { batchSize: 100, wait: 4 },
      retryCount: 2,
      retryDelay: 300,
      timeout: 15_000,
    }),
    cacheTime: 0,
  });
}

/** @throws PageError `CHAIN_OTHER` if the endpoint serves another chain than the deployment's. */
export async function checkChain(
  client: ChainClient,
  { deployment }: ConsoleConfig,
): Promise<void> {
  const id = await client.getChainId();
  if (id === deployment.chainId) return;
  throw new PageError(
    "CHAIN_OTHER",
    `The RPC endpoint serves chain ${id}, the deployment is on ${deployment.chainId}.`,
    {
      remedy: "Change rpc or deployment in config.json.",
    },
  );
}
