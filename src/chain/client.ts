import {
  createPublicClient,
  type Account,
  type PublicClient,
  type Transport,
  type Chain,
} from "viem";
import { BlockcloudError } from "../protocol/errors.ts";
import { failover, type FailoverDependencies } from "./rpc/failover.ts";
import { findFault, whatFailed } from "./rpc/faults.ts";
import type { RpcHeader } from "../protocol/header.ts";
import type { Deployment } from "./deployment.ts";

const NAME_ANOTHER = "Name an RPC endpoint of the deployment's chain.";

/** A client of a chain that is known only by its ID. */
export type ChainClient = PublicClient<Transport, Chain, Account | undefined>;

export interface ChainClientDependencies extends FailoverDependencies {
  /** Wraps the transport to observe all requests. */
  observe?: (transport: Transport) => Transport;
}

/**
 * Connects to RPC endpoints; requests made at the same moment are sent as one batch.
 *
 * @param rpcUrls The preferred endpoint, then its fallbacks.
 * @param dependencies.observe Wraps the transport to observe all requests.
 * @throws BlockcloudError `RPC_URL_INVALID`.
 */
export function createChainClient(
  rpcUrls: readonly string[],
  chainId: number,
  dependencies: ChainClientDependencies = {},
): ChainClient {
  const { observe = (transport: Transport) => transport } = dependencies;
  return createPublicClient({
    chain: describeChain(chainId),
    transport: observe(failover(rpcUrls, chainId, dependencies)),
    pollingInterval: 250,
    cacheTime: 0,
  });
}

/** A chain that is known only by its ID. */
export function describeChain(chainId: number): Chain {
  return {
    id: chainId,
    name: `chain ${chainId}`,
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [] } },
  };
}

/**
 * Refuses an endpoint of another chain, or of a chain without the contracts.
 *
 * @throws BlockcloudError `CHAIN_MISMATCH` or `CHAIN_UNREACHABLE`.
 */
export async function checkChain(client: ChainClient, deployment: Deployment): Promise<void> {
  const chainId = await client.getChainId().catch((cause: unknown) => {
    const fault = findFault(cause);
    if (fault?.kind === "wrong chain") {
      throw new BlockcloudError("CHAIN_MISMATCH", fault.message, { cause, remedy: NAME_ANOTHER });
    }
    throw unreachable(cause);
  });
  if (chainId !== deployment.chainId) {
    throw new BlockcloudError(
      "CHAIN_MISMATCH",
      `The RPC endpoint serves chain ${chainId}, the deployment is on ${deployment.chainId}.`,
      { remedy: NAME_ANOTHER },
    );
  }
  const code = await client
    .getCode({ address: deployment.contracts.proofOfService })
    .catch((cause: unknown) => {
      throw unreachable(cause);
    });
  if (code === undefined) {
    throw new BlockcloudError(
      "CHAIN_MISMATCH",
      `There is no contract at ${deployment.contracts.proofOfService}.`,
      { remedy: "Name the deployment file of this chain." },
    );
  }
}

function unreachable(cause: unknown): BlockcloudError {
  const message = `The RPC endpoint does not answer: ${whatFailed(cause)}`;
  return new BlockcloudError("CHAIN_UNREACHABLE", message, {
    cause,
    retryable: true,
    remedy: "Check its URL and that it runs.",
  });
}

/** A block's header with all hashed fields. */
export async function getHeader(client: ChainClient, block: bigint): Promise<RpcHeader> {
  const header = await client.request({
    method: "eth_getBlockByNumber",
    params: [`0x${block.toString(16)}`, false],
  });
  if (header === null) {
    throw new BlockcloudError("BLOCK_MISSING", `The RPC endpoint does not know block ${block}.`, {
      retryable: true,
      remedy: "It may lag behind; try again.",
    });
  }
  return header as unknown as RpcHeader;
}
