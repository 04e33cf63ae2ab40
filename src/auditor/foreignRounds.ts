import type { Address } from "viem";
import type { ChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { AuditorStore } from "./store.ts";

/**
 * Refuses to work beside another worker of the same auditor, on another host or with another state
 * folder, where no lock reaches: it shows by a round on chain that this worker's disk does not know.
 *
 * @param epoch The present one; a round of the epoch before it can still be revealed.
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
      `Auditor ${auditor} has committed to a round of epoch ${audited} that this state does not hold.`,
      {
        remedy:
          "Stop the other worker, and restore its newest backup here. If that state is lost, so is " +
          `the round: start again from epoch ${audited + 2} on.`,
      },
    );
  }
}
