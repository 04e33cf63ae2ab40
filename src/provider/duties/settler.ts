import { formatEther, parseEventLogs } from "viem";
import type { ChainClient } from "../../chain/client.ts";
import { currentEpoch, type ChainTime } from "../../chain/clock.ts";
import type { Deployment } from "../../chain/deployment.ts";
import type { TransactionSender } from "../../chain/transactions/sender.ts";
import type { Logger } from "../../node/logger.ts";
import { settlementAbi } from "../../protocol/abi/settlement.ts";

export interface SettlerDependencies {
  client: ChainClient;
  deployment: Deployment;
  sender: TransactionSender;
  time: ChainTime;
  log: Logger;
}

/** Settles the provider's pay for final epochs. */
export class Settler {
  readonly #options: { number: bigint; everyEpochs: number };
  readonly #client: ChainClient;
  readonly #deployment: Deployment;
  readonly #sender: TransactionSender;
  readonly #time: ChainTime;
  readonly #log: Logger;

  /** @param options `everyEpochs`: epochs per transaction; at most 200, because the ring keeps 254. */
  constructor(options: { number: bigint; everyEpochs: number }, dependencies: SettlerDependencies) {
    this.#options = options;
    this.#client = dependencies.client;
    this.#deployment = dependencies.deployment;
    this.#sender = dependencies.sender;
    this.#time = dependencies.time;
    this.#log = dependencies.log;
  }

  /** Settles when enough epochs are final. */
  async settle(): Promise<void> {
    const { number, everyEpochs } = this.#options;
    const client = this.#client;
    const deployment = this.#deployment;
    const sender = this.#sender;
    const time = this.#time;
    const log = this.#log;
    const upTo = currentEpoch(time) - 2;
    const contract = { address: deployment.contracts.settlement, abi: settlementAbi };
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
      const { epoch, grade, reward } = args;
      log.info("epoch settled", { epoch, grade, reward: formatEther(reward) });
    }
  }
}
