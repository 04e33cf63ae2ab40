import {
  BaseError,
  createPublicClient,
  fallback,
  http,
  type Account,
  type PublicClient,
  type Transport,
  type Chain,
} from "viem";
import { BlockcloudError } from "../protocol/errors.ts";
import type { RpcHeader } from "../protocol/header.ts";
import type { Deployment } from "./deployment.ts";

/** Answers of one RPC request may take this long, milliseconds. */
const RPC_TIMEOUT_MS = 10_000;

/** A chain's client; the chain is described by nothing but its ID. */
export type ChainClient = PublicClient<Transport, Chain, Account | undefined>;

/**
 * Connects to RPC endpoints; requests made in the same moment travel together.
 *
 * @param rpcUrls The preferred endpoint, then those that stand in for it.
 * @param observe Sees what passes.
 */
export function createChainClient(
  rpcUrls: readonly string[],
  chainId: number,
  observe: (transport: Transport) => Transport = (transport) => transport,
): ChainClient {
  return createPublicClient({
    chain: describeChain(chainId),
    transport: observe(createTransport(rpcUrls)),
    pollingInterval: 250,
    cacheTime: 0,
  });
}

/**
 * The transport to RPC endpoints, in the order in which they are tried.
 *
 * @throws BlockcloudError `RPC_URL_INVALID`, with the place of the URL in the list and not with the URL
 * itself, which may hold a key.
 */
export function createTransport(rpcUrls: readonly string[]): Transport {
  if (rpcUrls.length === 0)
    throw new BlockcloudError("RPC_URL_INVALID", "No RPC endpoint is named.");
  rpcUrls.forEach((url, index) => {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new BlockcloudError(
        "RPC_URL_INVALID",
        `RPC endpoint ${index + 1} of ${rpcUrls.length} has no http:// or https:// URL.`,
      );
    }
  });
  return fallback(
    rpcUrls.map((url) => http(url, { batch: true, timeout: RPC_TIMEOUT_MS, retryCount: 2 })),
  );
}

/** A chain of which only the ID is known. */
export function describeChain(chainId: number): Chain {
  return {
    id: chainId,
    name: `chain ${chainId}`,
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [] } },
  };
}

/**
 * Refuses an endpoint of another chain, or of one where the contracts are not.
 *
 * @throws BlockcloudError `CHAIN_MISMATCH` or `CHAIN_UNREACHABLE`.
 */
export async function checkChain(client: ChainClient, deployment: Deployment): Promise<void> {
  const chainId = await client.getChainId().catch((cause: unknown) => {
    // Not the endpoint's URL: it may hold a key.
    const why = cause instanceof BaseError ? cause.shortMessage : String(cause);
    throw new BlockcloudError("CHAIN_UNREACHABLE", `The RPC endpoint does not answer: ${why}`, {
      cause,
      retryable: true,
      remedy: "Check its URL and that it runs.",
    });
  });
  if (chainId !== deployment.chainId) {
    throw new BlockcloudError(
      "CHAIN_MISMATCH",
      `The RPC endpoint serves chain ${chainId}, the deployment is on ${deployment.chainId}.`,
      { remedy: "Name an RPC endpoint of the deployment's chain." },
    );
  }
  const code = await client.getCode({ address: deployment.contracts.proofOfService });
  if (code === undefined) {
    throw new BlockcloudError(
      "CHAIN_MISMATCH",
      `There is no contract at ${deployment.contracts.proofOfService}.`,
      { remedy: "Name the deployment file of this chain." },
    );
  }
}

/** A block's header with all the fields that its hash covers. */
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
