import { formatEther } from "viem";
import type { ChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { TransactionSender } from "../chain/transactions/sender.ts";
import type { Logger } from "../node/logger.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import { MAX_WORDS } from "../protocol/round.ts";
import { K } from "../protocol/sortition.ts";
import type { Draw } from "./draw.ts";

/** The settings for skipping unprofitable rounds. */
export interface Economics {
  /** Value of one BLOC, wei of ether. */
  blocPriceWei: bigint;
  /** Minimum profit, percent of the gas cost; may be negative. */
  marginPercent: number;
}

/** Gas of a round with one word: commit, reveal and claim (docs/protocol.md, section 5), rounded up. */
const ROUND_GAS = 280_000n;
/** Gas of each further word, on a cold ring, and of each further chunk. */
const WORD_GAS = 32_000n;
const CHUNK_GAS = 150_000n;

export interface ProfitDependencies {
  client: ChainClient;
  deployment: Deployment;
  sender: Pick<TransactionSender, "gasPrice">;
  log: Logger;
}

/** Decides before the commitment whether a round is profitable. A committed round is always revealed. */
export class Profit {
  readonly #economics: Economics;
  readonly #client: ChainClient;
  readonly #deployment: Deployment;
  readonly #sender: Pick<TransactionSender, "gasPrice">;
  readonly #log: Logger;

  constructor(economics: Economics, dependencies: ProfitDependencies) {
    this.#economics = economics;
    this.#client = dependencies.client;
    this.#deployment = dependencies.deployment;
    this.#sender = dependencies.sender;
    this.#log = dependencies.log;
  }

  /** Whether a draw is worth its gas, at the current price and with the newest epoch's budget. */
  async pays(drawn: Draw): Promise<boolean> {
    const { blocPriceWei, marginPercent } = this.#economics;
    const votePay = await this.#votePay();
    // Before the first seed the pay of rounds is unknown.
    if (votePay === undefined) return true;
    const weighted = drawn.shards.reduce(
      (sum, each) => sum + each.weight * each.services.length,
      0,
    );
    const expectedPay = BigInt(weighted) * votePay;
    const payWei = (expectedPay * blocPriceWei) / 10n ** 18n;
    const gas = roundGas(drawn.shards.length);
    const costWei = gas * (await this.#sender.gasPrice());
    const pays = payWei * 100n >= costWei * BigInt(100 + marginPercent);
    const { epoch } = drawn;
    const message = pays ? "the round is profitable" : "the round is unprofitable and skipped";
    this.#log.info(message, {
      ...{ epoch, gas },
      expectedPay: formatEther(expectedPay),
      payEther: formatEther(payWei),
      costEther: formatEther(costWei),
    });
    return pays;
  }

  /** Pay of a majority vote per unit of weight, in a lane with the expected weight. */
  async #votePay(): Promise<bigint | undefined> {
    const client = this.#client;
    const deployment = this.#deployment;
    const contract = { address: deployment.contracts.proofOfService, abi: proofOfServiceAbi };
    const newest = await client.readContract({ ...contract, functionName: "newestSeed" });
    if (newest === 0) return undefined;
    const [[, , activeServices], [auditorsBudget]] = await Promise.all([
      client.readContract({ ...contract, functionName: "seedOf", args: [newest] }),
      client.readContract({ ...contract, functionName: "budgetOf", args: [newest] }),
    ]);
    return activeServices === 0 ? 0n : auditorsBudget / (BigInt(activeServices) * K);
  }
}

/** Approximate gas of a round with this number of words, from commitment to claim. */
export function roundGas(words: number): bigint {
  const further = BigInt(Math.max(0, words - 1));
  return ROUND_GAS + further * WORD_GAS + (further / BigInt(MAX_WORDS)) * CHUNK_GAS;
}
