import { parseEventLogs } from "viem";
import type { ChainClient } from "../chain/client.ts";
import { currentEpoch, type ChainTime } from "../chain/clock.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { TransactionSender } from "../chain/sender.ts";
import type { Logger } from "../node/logger.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";

export interface SettlerDependencies {
  client: ChainClient;
  deployment: Deployment;
  sender: TransactionSender;
  time: ChainTime;
  log: Logger;
}

/** Collects the provider's pay for epochs that are final. */
export class Settler {
  readonly #options: { number: bigint; everyEpochs: number };
  readonly #d: SettlerDependencies;

  /** @param options `everyEpochs`: epochs that one transaction settles; at most 200, as the ring forgets. */
  constructor(options: { number: bigint; everyEpochs: number }, dependencies: SettlerDependencies) {
    this.#options = options;
    this.#d = dependencies;
  }

  /** Settles when enough epochs are final. */
  async settle(): Promise<void> {
    const { number, everyEpochs } = this.#options;
    const { client, deployment, sender, time, log } = this.#d;
    const upTo = currentEpoch(time) - 2;
    const contract = { address: deployment.contracts.proofOfService, abi: proofOfServiceAbi };
    const settled = await client.readContract({
      ...contract,
      functionName: "settledThrough",
      args: [number],
    });
    if (upTo < 1 || upTo - settled < everyEpochs) return;
    const receipt = await sender.send({
      ...contract,
      functionName: "settle",
      args: [number, upTo],
    });
    const events = parseEventLogs({ ...contract, eventName: "Settled", logs: receipt.logs });
    for (const { args } of events) {
      log.info("epoch settled", { epoch: args.epoch, grade: args.grade, reward: args.reward });
    }
  }
}
