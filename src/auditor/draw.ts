import type { Address, Hex } from "viem";
import type { ChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { AuditedService, Services } from "../chain/services.ts";
import type { Logger } from "../node/logger.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { stakingAbi } from "../protocol/abi/staking.ts";
import { drawKey, drawnWeight, expectedWeight, shardCount } from "../protocol/sortition.ts";

/** The services that an auditor has to inspect in an epoch. */
export interface Draw {
  epoch: number;
  secret: Hex;
  y: Hex;
  /** Shards drawn, in order, with the services that are active there. */
  shards: { shard: number; weight: number; services: AuditedService[] }[];
}

/**
 * Draws the shards of an epoch. The contract repeats this for each reported shard. A service whose specification is of
 * a later version than this software knows is skipped.
 *
 * @param input.withoutUnread Skips a service whose specification no endpoint returns, instead of failing the
 * whole draw.
 * @returns Undefined if the auditor has no stake in the epoch, because it has left.
 * @throws BlockcloudError `PROBE_MISSING`, retryable.
 */
export async function draw(
  input: { auditor: Address; epoch: number; seed: Hex; secret: Hex; withoutUnread?: boolean },
  dependencies: { client: ChainClient; deployment: Deployment; services: Services; log?: Logger },
): Promise<Draw | undefined> {
  const { auditor, epoch, seed, secret } = input;
  const { client, deployment, services } = dependencies;
  const staking = { address: deployment.contracts.staking, abi: stakingAbi } as const;
  const [stake, [, , total], slots] = await Promise.all([
    client.readContract({ ...staking, functionName: "auditorStakeAt", args: [auditor, epoch] }),
    client.readContract({ ...staking, functionName: "totalsAt", args: [epoch] }),
    services.slotCount(),
  ]);
  if (stake === 0n) return undefined;
  const y = drawKey(seed, secret, auditor);
  const expected = expectedWeight(stake, total);
  const drawn = Array.from({ length: shardCount(slots) }, (_, shard) => shard).filter(
    (shard) => drawnWeight(y, shard, expected) > 0,
  );
  const read = async (number: bigint) => {
    try {
      return await services.audited(number, epoch);
    } catch (error) {
      if (!(error instanceof BlockcloudError) || !isUnread(error, input.withoutUnread)) throw error;
      dependencies.log?.warn("a service gets no vote: its probe cannot be read", {
        epoch,
        number,
        error,
      });
      return undefined;
    }
  };
  const shards = await Promise.all(
    drawn.map(async (shard) => {
      const weight = drawnWeight(y, shard, expected);
      return { shard, weight, services: await services.active(shard, epoch, read) };
    }),
  );
  return {
    epoch,
    secret,
    y,
    shards: shards.filter((drawnShard) => drawnShard.services.length > 0),
  };
}

/** Whether a specification cannot be read, and another attempt need not be awaited. Neither is the service's fault. */
function isUnread({ code }: BlockcloudError, withoutMissing = false): boolean {
  return code === "PROBE_VERSION" || (withoutMissing && code === "PROBE_MISSING");
}
