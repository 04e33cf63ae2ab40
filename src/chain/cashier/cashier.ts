import type { Address, Hex } from "viem";
import type { cashierAbi } from "../../protocol/abi/cashier.ts";
import type { Grade } from "../../protocol/tally.ts";
import type { Redemption } from "../../protocol/voucher.ts";
import type { ChainClient } from "../client.ts";
import type { Deployment } from "../deployment.ts";
import { decodeReason, type ContractError } from "../transactions/revert.ts";
import { contractsOf } from "../views/contracts.ts";

/** States of a tab, by the contract's numbers. */
export const tabStates = ["None", "Open", "Closing", "Closed"] as const;
export type TabState = (typeof tabStates)[number];

/** A payer's escrow account, BLOC in wei. */
export interface Account {
  /** Sum of the next two. */
  balance: bigint;
  /** Sum of the limits of open tabs, with what was redeemed of them. */
  reserved: bigint;
  /** Can be withdrawn, or reserved by another tab. */
  free: bigint;
}

/** Names a tab. */
export interface TabName {
  payer: Address;
  /** ID of a root service. */
  service: Hex;
  tab: Hex;
}

/** A tab; amounts are BLOC in wei, times Unix seconds. */
export interface TabView {
  state: TabState;
  /** The only key that signs its vouchers; 0 for a closed tab. */
  signer: Address;
  limit: bigint;
  /** The highest redeemed cumulative amount. */
  redeemed: bigint;
  /** The part of `redeemed` that was passed over; it goes back to the payer when the tab is closed. */
  passed: bigint;
  /** Last second of serving; for a closing tab, that of redemption. */
  endsAt: number;
  /** Last second of redemption. */
  redeemableUntil: number;
}

/** What a key may still open in a payer's name. */
export interface SessionSigner {
  /** BLOC in wei; 0 for an unknown or revoked key. */
  left: bigint;
  /** Unix seconds. */
  expiresAt: number;
}

/** What a redemption would do now. */
export type Redeemability =
  | { amount: bigint; refusal?: never }
  | { amount: 0n; refusal: Pick<ContractError, "name" | "args"> };

/**
 * Typed reads of the Cashier. Each takes the number of a block, for several reads of one moment; by default it reads
 * the newest block.
 */
export class Cashier {
  readonly #client: ChainClient;
  readonly #cashier: { address: Address; abi: typeof cashierAbi };

  constructor(client: ChainClient, deployment: Deployment) {
    this.#client = client;
    this.#cashier = contractsOf(deployment).cashier;
  }

  /** The account of a payer. */
  async accountOf(payer: Address, block?: bigint): Promise<Account> {
    const [balance, reserved, free] = await this.#client.readContract({
      ...this.#cashier,
      ...at(block),
      functionName: "accountOf",
      args: [payer],
    });
    return { balance, reserved, free };
  }

  /** A tab; its state is `None` if it was never opened. */
  async tabOf({ payer, service, tab }: TabName, block?: bigint): Promise<TabView> {
    const { state, endsAt, redeemableUntil, ...amounts } = await this.#client.readContract({
      ...this.#cashier,
      ...at(block),
      functionName: "tabOf",
      args: [payer, service, tab],
    });
    return { ...amounts, state: tabStates[state] ?? "None", endsAt, redeemableUntil };
  }

  /** What a session signer may still open. */
  async signerOf(payer: Address, signer: Address, block?: bigint): Promise<SessionSigner> {
    const [left, expiresAt] = await this.#client.readContract({
      ...this.#cashier,
      ...at(block),
      functionName: "signerOf",
      args: [payer, signer],
    });
    return { left, expiresAt: Number(expiresAt) };
  }

  /** What a service has earned since its last collection, before the fee. BLOC in wei. */
  earnedOf(service: Hex, block?: bigint): Promise<bigint> {
    return this.#client.readContract({
      ...this.#cashier,
      ...at(block),
      functionName: "earnedOf",
      args: [service],
    });
  }

  /** What a service has collected in all, before the fee. BLOC in wei. */
  collectedOf(service: Hex, block?: bigint): Promise<bigint> {
    return this.#client.readContract({
      ...this.#cashier,
      ...at(block),
      functionName: "collectedOf",
      args: [service],
    });
  }

  /** How `collect` would divide what a service has earned. BLOC in wei. */
  async collectableOf(service: Hex, block?: bigint): Promise<{ paid: bigint; fee: bigint }> {
    const [paid, fee] = await this.#client.readContract({
      ...this.#cashier,
      ...at(block),
      functionName: "collectableOf",
      args: [service],
    });
    return { paid, fee };
  }

  /** Whether a collector's redemption of a voucher would be accepted, and the contract's error if not. */
  async redeemable(
    redemption: Redemption,
    collector: Address,
    block?: bigint,
  ): Promise<Redeemability> {
    const [amount, reason] = await this.#client.readContract({
      ...this.#cashier,
      ...at(block),
      functionName: "redeemable",
      args: [redemption, collector],
    });
    if (amount !== 0n) return { amount };
    const refusal = decodeReason(this.#cashier.abi, reason) ?? { name: undefined, args: [] };
    return { amount: 0n, refusal };
  }

  /** The grade that decides about vouchers of an epoch; undefined while, or if, there is none. */
  async gradeOf(service: Hex, epoch: number, block?: bigint): Promise<Grade | undefined> {
    const [grade, known] = await this.#client.readContract({
      ...this.#cashier,
      ...at(block),
      functionName: "gradeOf",
      args: [service, epoch],
    });
    return known ? (Number(grade) as Grade) : undefined;
  }

  /** Fees that were not forwarded yet. BLOC in wei. */
  fees(block?: bigint): Promise<bigint> {
    return this.#client.readContract({ ...this.#cashier, ...at(block), functionName: "fees" });
  }
}

function at(block: bigint | undefined) {
  return block === undefined ? {} : { blockNumber: block };
}
