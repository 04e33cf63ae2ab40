import type { Address, Hex } from "viem";
import { Cashier } from "../../chain/cashier/cashier.ts";
import { cashierCalls } from "../../chain/cashier/calls.ts";
import type { ChainClient } from "../../chain/client.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { contractError, type ContractError } from "../../chain/transactions/revert.ts";
import { contractsOf } from "../../chain/views/contracts.ts";
import type { TabOpening } from "../tabs.ts";

/** Gas of a simulated opening: the check of a payer's contract is bounded by the Cashier itself. */
const OPENING_GAS = 1_000_000n;

/** The collector's reads of the chain. */
export interface CollectorChain extends Pick<
  Cashier,
  "accountOf" | "tabOf" | "gradeOf" | "earnedOf"
> {
  /** The contract's error if a collector's `openTab` would revert now; undefined if it would not. */
  openingRefusal(
    opening: TabOpening,
    collector: Address,
  ): Promise<Pick<ContractError, "name" | "args"> | undefined>;
  /** The verdict on a service in an epoch; undefined without a quorum. */
  verdictOf(service: Hex, epoch: number): Promise<number | undefined>;
}

/** Reads the chain for a collector. */
export class CollectorReads extends Cashier implements CollectorChain {
  readonly #reads: ChainClient;
  readonly #deployment: Deployment;

  constructor(client: ChainClient, deployment: Deployment) {
    super(client, deployment);
    this.#reads = client;
    this.#deployment = deployment;
  }

  async openingRefusal(
    opening: TabOpening,
    collector: Address,
  ): Promise<Pick<ContractError, "name" | "args"> | undefined> {
    const call = cashierCalls(this.#deployment).openTab(opening);
    try {
      await this.#reads.simulateContract({ ...call, account: collector, gas: OPENING_GAS });
      return undefined;
    } catch (error) {
      const refusal = contractError(error);
      // These contracts never revert without data: it is a failure of the node.
      if (refusal === undefined || refusal.isBare) throw error;
      return refusal;
    }
  }

  async verdictOf(service: Hex, epoch: number): Promise<number | undefined> {
    const [grade, quorate] = await this.#reads.readContract({
      ...contractsOf(this.#deployment).settlement,
      functionName: "verdictOf",
      args: [BigInt(service) >> 192n, epoch],
    });
    return quorate ? grade : undefined;
  }
}
