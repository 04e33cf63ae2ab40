import type { Address, Hex } from "viem";
import type { ChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { AuditorStore } from "./store.ts";

const STOP_ONE = "Stop one of the two, and keep the state folder of the other one.";

/** The error that another instance of this auditor runs, with another state folder or on another host. */
export function elsewhere(auditor: Address, epoch: number): BlockcloudError {
  return new BlockcloudError(
    "AUDITOR_ELSEWHERE",
    `Another instance commits for auditor ${auditor}: the round of epoch ${epoch} on chain is not in this state folder.`,
    { remedy: STOP_ONE },
  );
}

/**
 * Whether a commitment on chain is not this worker's, according to the transaction that made it.
 *
 * @param from A block in the epoch or before it.
 * @returns False also if the endpoint does not return the event.
 */
export async function isForeign(
  d: { client: ChainClient; deployment: Deployment },
  round: { auditor: Address; epoch: number; commitment: Hex; from: bigint },
): Promise<boolean> {
  const { auditor, epoch, commitment } = round;
  const events = await d.client.getContractEvents({
    address: d.deployment.contracts.proofOfService,
    abi: proofOfServiceAbi,
    eventName: "Committed",
    args: { auditor, epoch },
    fromBlock: round.from,
    strict: true,
  });
  const hash = events.at(-1)?.transactionHash;
  if (hash === undefined) return false;
  const { input } = await d.client.getTransaction({ hash });
  return !input.includes(commitment.slice(2));
}

/**
 * Refuses to run beside another worker of the same auditor on another host or with another state folder, which
 * the lock cannot detect. It finds a round on chain that this state folder does not contain.
 *
 * @param epoch The current epoch; a round of the previous one can still be revealed.
 * @throws BlockcloudError `AUDITOR_ELSEWHERE`.
 */
export async function refuseForeignRounds(
  d: { client: ChainClient; deployment: Deployment; store: Pick<AuditorStore, "round"> },
  auditor: Address,
  epoch: number,
): Promise<void> {
  for (const audited of [epoch - 1, epoch].filter((number) => number >= 0)) {
    if (d.store.round(audited) !== undefined) continue;
    const [committed] = await d.client.readContract({
      address: d.deployment.contracts.proofOfService,
      abi: proofOfServiceAbi,
      functionName: "roundOf",
      args: [auditor, audited],
    });
    if (!committed) continue;
    throw new BlockcloudError(
      "AUDITOR_ELSEWHERE",
      `Auditor ${auditor} has committed to a round of epoch ${audited} that this state folder does not contain.`,
      {
        remedy:
          "Stop the other worker, and restore its newest backup here. If that state is lost, the round " +
          `is lost: start again from epoch ${audited + 2} on.`,
      },
    );
  }
}
