import { zeroAddress, type Address } from "viem";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import type { Contracts } from "../chain/contracts.ts";
import { addressTopic, topicOf } from "./events.ts";
import type { Source } from "./source.ts";

/** Blocks before the registry's in which the token's deployment is looked for. */
const LOOK_BACK = 100_000n;

/** From where transfers are counted. */
export interface Opening {
  from: bigint;
  /** What an account had before, BLOC in wei. */
  balanceOf(holder: Address): Promise<bigint>;
}

/**
 * Finds where transfers have to be counted from: the token's only mint. A later version of the contracts has an older
 * token; then the node's state of the block before the deployment opens the count.
 *
 * @param block First block of the deployment.
 * @returns Undefined if the node has neither.
 */
export async function openingOf(
  source: Source,
  { token }: Contracts,
  block: bigint,
): Promise<Opening | undefined> {
  const lowest = block > LOOK_BACK ? block - LOOK_BACK : 0n;
  const mints = [[topicOf(token.abi, "Transfer")], [addressTopic(zeroAddress)]];
  const filter = { address: [token.address], topics: mints };
  for await (const mint of source.logs(filter, lowest, block)) {
    return { from: mint.blockNumber, balanceOf: () => Promise.resolve(0n) };
  }
  const balanceOf = (holder: Address) => source.read(token, "balanceOf", [holder], block - 1n);
  try {
    await balanceOf(zeroAddress);
  } catch (error) {
    if (error instanceof BlockcloudError && error.code === "RPC_REFUSED") return undefined;
    throw error;
  }
  return { from: block, balanceOf };
}
