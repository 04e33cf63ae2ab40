import {
  epochsToRead,
  placeInAudits,
  serviceEpochs,
  type EpochViews,
  type ServiceEpoch,
} from "@protocol/serviceEpochs.ts";
import type { Sources } from "../context.tsx";
import type { Head } from "./head.ts";
import type { ServiceDetail } from "./service.ts";
import { Memory } from "./memory.ts";

const memories = new WeakMap<Sources, Memory<EpochViews>>();

/** The newest epochs of a service from the chain's ring, oldest first, up to the previous one. */
export async function readServiceEpochs(
  sources: Sources,
  head: Head,
  service: Pick<ServiceDetail, "number" | "slot" | "settledThrough">,
  last: number,
): Promise<ServiceEpoch[]> {
  const { number, slot, settledThrough } = service;
  const { wanted, oldest } = epochsToRead(head.epoch, last);
  const memory = memories.get(sources) ?? new Memory();
  memories.set(sources, memory);
  const views = await Promise.all(
    wanted.map((epoch) => {
      const read = () => readEpoch(sources, service, epoch);
      const isFinal = epoch + 2 <= head.epoch;
      return isFinal ? memory.get(`${number}/${slot}/${epoch}`, read) : read();
    }),
  );
  return serviceEpochs(views, { slot, settledThrough, current: head.epoch, oldest });
}

async function readEpoch(
  { client, contracts }: Sources,
  { number, slot }: Pick<ServiceDetail, "number" | "slot">,
  epoch: number,
): Promise<EpochViews> {
  const { registry, staking, proofOfService, settlement } = contracts;
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
