import type { Address, Hex } from "viem";
import type { ChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { AuditedService, Services } from "../chain/services.ts";
import { stakingAbi } from "../protocol/abi/staking.ts";
import { drawKey, drawnWeight, expectedWeight, LANES } from "../protocol/sortition.ts";

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
  const [[stake, total], count] = await Promise.all([
    client.readContract({
      address: deployment.contracts.staking,
      abi: stakingAbi,
      functionName: "auditorStakeAt",
      args: [auditor, epoch],
    }),
    services.count(),
  ]);
  const y = drawKey(seed, secret, auditor);
  const expected = expectedWeight(stake, total);
  const drawn = Array.from(
    { length: Math.ceil(Number(count) / LANES) },
    (_, shard) => shard,
  ).filter((shard) => drawnWeight(y, shard, expected) > 0);
  const shards = await Promise.all(
    drawn.map(async (shard) => {
      const numbers = await services.active(shard, epoch);
      const audited = numbers.map((number) => services.audited(number, epoch));
      const weight = drawnWeight(y, shard, expected);
      return { shard, weight, services: await Promise.all(audited) };
    }),
  );
  return {
    epoch,
    secret,
    y,
    shards: shards.filter((drawnShard) => drawnShard.services.length > 0),
  };
}
