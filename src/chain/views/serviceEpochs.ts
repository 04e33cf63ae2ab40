import {
  epochsToRead,
  placeInAudits,
  serviceEpochs,
  type EpochViews,
  type ServiceEpoch,
} from "../../protocol/serviceEpochs.ts";
import type { ChainClient } from "../client.ts";
import type { Deployment } from "../deployment.ts";
import { contractsOf, readEach, type Moment } from "./contracts.ts";

/**
 * The newest epochs of a service, oldest first, up to the previous epoch, whose votes are still being revealed.
 *
 * @param input.last Number of epochs; at most `KNOWN_EPOCHS`.
 */
export async function readServiceEpochs(
  client: ChainClient,
  deployment: Deployment,
  input: { number: bigint; moment: Moment; last: number; settledThrough: number },
): Promise<ServiceEpoch[]> {
  const { number, moment, settledThrough } = input;
  const { wanted, oldest } = epochsToRead(moment.epoch, input.last);
  const slot = await client.readContract({
    ...contractsOf(deployment).registry,
    functionName: "slotOf",
    args: [number],
  });
  const views = await readEach(wanted, (epoch) =>
    readEpoch(client, deployment, { number, slot, epoch }),
  );
  return serviceEpochs(views, { slot, settledThrough, current: moment.epoch, oldest });
}

async function readEpoch(
  client: ChainClient,
  deployment: Deployment,
  { number, slot, epoch }: { number: bigint; slot: number; epoch: number },
): Promise<EpochViews> {
  const { registry, staking, proofOfService, settlement } = contractsOf(deployment);
  const shard = BigInt(placeInAudits(slot).shard);
  const [status, [seed], tally, [, counted], [budget, , total]] = await Promise.all([
    client.readContract({ ...registry, functionName: "statusAt", args: [number, epoch] }),
    client.readContract({ ...proofOfService, functionName: "seedOf", args: [epoch] }),
    client.readContract({ ...proofOfService, functionName: "tallyOf", args: [shard, epoch] }),
    client.readContract({ ...staking, functionName: "serviceStakeAt", args: [number, epoch] }),
    client.readContract({ ...settlement, functionName: "budgetOf", args: [epoch] }),
  ]);
  return { epoch, status, seed, tally, counted, budget, total };
}
