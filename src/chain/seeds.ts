import type { Hex } from "viem";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { epochStart, epochAt, type EpochTiming } from "../protocol/epoch.ts";
import { encodeHeader, epochSeed } from "../protocol/header.ts";
import { blockAt, timestampOf } from "./blocks.ts";
import { getHeader, type ChainClient } from "./client.ts";
import type { Head } from "./clock.ts";
import type { Deployment } from "./deployment.ts";

/** The proof of an epoch's seed. */
export interface SeedProof {
  epoch: number;
  seed: Hex;
  block: bigint;
  firstHeader: Hex;
  parentHeader: Hex;
}

/** Finds the first blocks of epochs and computes their seeds, without waiting for a tick. */
export class Seeds {
  readonly #client: ChainClient;
  readonly #deployment: Deployment;

  constructor(client: ChainClient, deployment: Deployment) {
    this.#client = client;
    this.#deployment = deployment;
  }

  /**
   * The seed of an epoch, from the header of its first block.
   *
   * @param head The newest block; must lie in or after the epoch.
   * @throws BlockcloudError `EPOCH_WITHOUT_BLOCK` if the epoch has no block.
   */
  async prove(epoch: number, head: Pick<Head, "number">): Promise<SeedProof> {
    const block = await this.firstBlock(epoch, head);
    const [first, parent] = await Promise.all([
      getHeader(this.#client, block),
      getHeader(this.#client, block - 1n),
    ]);
    const timing: EpochTiming = this.#deployment;
    const found = epochAt(timing, Number(first.timestamp));
    if (found !== epoch) {
      throw new BlockcloudError(
        "EPOCH_WITHOUT_BLOCK",
        `Epoch ${epoch} has no block; the next block is in epoch ${found}.`,
      );
    }
    if (Number(parent.timestamp) >= epochStart(timing, epoch)) {
      throw new BlockcloudError(
        "BLOCK_MISSING",
        `The RPC endpoint does not know the first block of epoch ${epoch}.`,
        { retryable: true, remedy: "Use an RPC endpoint that keeps the blocks of a day." },
      );
    }
    const { chainId, contracts } = this.#deployment;
    return {
      epoch,
      block,
      seed: epochSeed(first.mixHash, epoch, BigInt(chainId), contracts.proofOfService),
      firstHeader: encodeHeader(first),
      parentHeader: encodeHeader(parent),
    };
  }

  /** The recorded seed of an epoch, if there is one. */
  async recorded(epoch: number): Promise<{ seed: Hex; previous: number } | undefined> {
    const [seed, previous] = await this.#client.readContract({
      address: this.#deployment.contracts.proofOfService,
      abi: proofOfServiceAbi,
      functionName: "seedOf",
      args: [epoch],
    });
    return BigInt(seed) === 0n ? undefined : { seed, previous };
  }

  /** The time of a block, Unix seconds. */
  timestamp(block: bigint): Promise<number> {
    return timestampOf(this.#client, block);
  }

  /** First block at or after the epoch's start. */
  firstBlock(epoch: number, head: Pick<Head, "number">): Promise<bigint> {
    const range = { from: BigInt(this.#deployment.block), to: head.number };
    return blockAt(this.#client, epochStart(this.#deployment, epoch), range);
  }
}
