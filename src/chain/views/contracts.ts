import { cashierAbi } from "../../protocol/abi/cashier.ts";
import { challengeBookAbi } from "../../protocol/abi/challengeBook.ts";
import { proofOfServiceAbi } from "../../protocol/abi/proofOfService.ts";
import { serviceLabelsAbi } from "../../protocol/abi/serviceLabels.ts";
import { serviceRegistryAbi } from "../../protocol/abi/serviceRegistry.ts";
import { settlementAbi } from "../../protocol/abi/settlement.ts";
import { stakingAbi } from "../../protocol/abi/staking.ts";
import { epochAt } from "../../protocol/epoch.ts";
import type { ChainClient } from "../client.ts";
import type { Head } from "../clock.ts";
import type { Deployment } from "../deployment.ts";

/** Maximum number of concurrent requests, by the batch limits of public endpoints. */
const SLICE = 16;

/** The contracts with their interfaces. */
export function contractsOf(deployment: Deployment) {
  const { registry, staking, proofOfService, settlement, challengeBook, labels, cashier } =
    deployment.contracts;
  return {
    registry: { address: registry, abi: serviceRegistryAbi },
    staking: { address: staking, abi: stakingAbi },
    proofOfService: { address: proofOfService, abi: proofOfServiceAbi },
    settlement: { address: settlement, abi: settlementAbi },
    challengeBook: { address: challengeBook, abi: challengeBookAbi },
    labels: { address: labels, abi: serviceLabelsAbi },
    cashier: { address: cashier, abi: cashierAbi },
  } as const;
}

/** The moment of a view: the newest block and its epoch. */
export interface Moment extends Head {
  epoch: number;
}

/** Reads the current moment of the chain. */
export async function readMoment(client: ChainClient, deployment: Deployment): Promise<Moment> {
  const block = await client.getBlock({ blockTag: "latest" });
  const timestamp = Number(block.timestamp);
  const { number, hash } = block;
  return { number, hash, timestamp, epoch: epochAt(deployment, timestamp) };
}

/** Reads all items in order, one slice at a time. */
export async function readEach<T, R>(
  items: readonly T[],
  read: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (let index = 0; index < items.length; index += SLICE) {
    results.push(...(await Promise.all(items.slice(index, index + SLICE).map(read))));
  }
  return results;
}

/** Whole numbers from `first` to `last`, both included. */
export function numbers(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}
