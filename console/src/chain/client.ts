import { createClient as createViemClient, http, type Client, type PublicActions } from "viem";
import {
  getBalance,
  getBlock,
  getChainId,
  getContractEvents,
  getGasPrice,
  getLogs,
  getTransaction,
  getTransactionReceipt,
  readContract,
  simulateContract,
} from "viem/actions";
import type { ConsoleConfig } from "../config.ts";
import { PageError } from "../failure.ts";

/** What the page asks of the chain: all of viem's actions would be a fifth of the page's script. */
const actions = {
  getBalance,
  getBlock,
  getChainId,
  getContractEvents,
  getGasPrice,
  getLogs,
  getTransaction,
  getTransactionReceipt,
  readContract,
  simulateContract,
};

/** The chain, over one JSON-RPC endpoint. */
export type ChainClient = Client & Pick<PublicActions, keyof typeof actions>;

/** A client whose calls of one turn go out as one request. */
export function createClient({ rpc }: Pick<ConsoleConfig, "rpc">): ChainClient {
  const client = createViemClient({
    transport: http(rpc, {
      batch: { batchSize: 100, wait: 4 },
      retryCount: 2,
      retryDelay: 300,
      timeout: 15_000,
    }),
    cacheTime: 0,
  });
  const bound = Object.entries(actions).map(([name, action]) => [
    name,
    (parameters?: unknown) =>
      (action as (client: Client, parameters?: unknown) => unknown)(client, parameters),
  ]);
  return Object.assign(client, Object.fromEntries(bound)) as ChainClient;
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
    { remedy: "Change rpc or deployment in config.json." },
  );
}
