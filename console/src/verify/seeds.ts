/** Seeds of epochs (docs/protocol.md, 3.2). */
import type { Hex } from "viem";
import { epochStart } from "../../../src/protocol/epoch.ts";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { encodeHeader, epochSeed } from "../../../src/protocol/header.ts";
import type { Contracts } from "../chain/contracts.ts";
import type { VerifiedDeployment } from "./deployment.ts";
import { argsOf, topicOf } from "./events.ts";
import type { Source } from "./source.ts";

/** What the contract recorded for an epoch. */
export interface Tick {
  epoch: number;
  seed: Hex;
  providersBudget: bigint;
  auditorsBudget: bigint;
  activeStake: bigint;
  enrolledStake: bigint;
  activeServices: number;
}

/** The recorded epochs from a block on, up to the first one whose seed picks the samples of an epoch. */
export async function readTicks(
  source: Source,
  { proofOfService }: Contracts,
  { from, to }: { from: bigint; to: bigint },
  epoch: number,
): Promise<Map<number, Tick>> {
  const ticks = new Map<number, Tick>();
  const topics = [[topicOf(proofOfService.abi, "Ticked")]];
  for await (const log of source.logs({ address: [proofOfService.address], topics }, from, to)) {
    const tick = argsOf(log, proofOfService, "Ticked");
    ticks.set(tick.epoch, tick);
    // Seeds are recorded in order.
    if (tick.epoch >= epoch + 2) break;
  }
  return ticks;
}

/**
 * The seed of an epoch, from the header of its first block, which must hash to the block's hash.
 *
 * @param first The first block of the epoch.
 * @throws BlockcloudError `HEADER_MISMATCH`, `PARENT_MISMATCH`.
 */
export async function recountSeed(
  source: Source,
  deployment: VerifiedDeployment,
  epoch: number,
  first: bigint,
): Promise<Hex> {
  const [block, parent] = [await source.block(first), await source.block(first - 1n)];
  encodeHeader(block.header);
  encodeHeader(parent.header);
  const start = epochStart(deployment, epoch);
  if (parent.hash !== block.parentHash || parent.timestamp >= start || block.timestamp < start) {
    throw new BlockcloudError(
      "PARENT_MISMATCH",
      `Block ${first} is not the first one of epoch ${epoch}.`,
      { remedy: "Use another RPC endpoint." },
    );
  }
  const { chainId, contracts } = deployment;
  return epochSeed(block.mixHash, epoch, BigInt(chainId), contracts.proofOfService);
}
