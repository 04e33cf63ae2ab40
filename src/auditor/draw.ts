import type { Address, Hex } from "viem";
import type { ChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { AuditedService, Services } from "../chain/services.ts";
import { stakingAbi } from "../protocol/abi/staking.ts";
import { drawKey, drawnWeight, expectedWeight, shardCount } from "../protocol/sortition.ts";

/** What an auditor has to inspect in an epoch. */
export interface Draw {
  epoch: number;
  secret: Hex;
  y: Hex;
  /** Shards drawn, in order, with the services that are active there. */
  shards: { shard: number; weight: number; services: AuditedService[] }[];
}

/** Draws the shards of an epoch. The contract repeats this for each shard that is reported on. */
export async function draw(
  input: { auditor: Address; epoch: number; seed: Hex; secret: Hex },
  dependencies: { client: ChainClient; deployment: Deployment; services: Services },
): Promise<Draw> {
  const { auditor, epoch, seed, secret } = input;
  const { client, deployment, services } = dependencies;
  const staking = { address: deployment.contracts.staking, abi: stakingAbi } as const;
  const [stake, [, , total], slots] = await Promise.all([
    client.readContract({ ...staking, functionName: "auditorStakeAt", args: [auditor, epoch] }),
    client.readContract({ ...staking, functionName: "totalsAt", args: [epoch] }),
    services.slotCount(),
  ]);
  const y = drawKey(seed, secret, auditor);
  const expected = expectedWeight(stake, total);
  const drawn = Array.from({ length: shardCount(slots) }, (_, shard) => shard).filter(
    (shard) => drawnWeight(y, shard, expected) > 0,
  );
  const shards = await Promise.all(
    drawn.map(async (shard) => {
      const weight = drawnWeight(y, shard, expected);
      return { shard, weight, services: await services.active(shard, epoch) };
    }),
  );
  return {
    epoch,
    secret,
    y,
    shards: shards.filter((drawnShard) => drawnShard.services.length > 0),
  };
}
