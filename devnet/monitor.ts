import { isAddressEqual, parseEventLogs, type Address, type Hex } from "viem";
import type { ChainClient } from "../src/chain/client.ts";
import type { Deployment } from "../src/chain/deployment.ts";
import { proofOfServiceAbi } from "../src/protocol/abi/proofOfService.ts";
import { settlementAbi } from "../src/protocol/abi/settlement.ts";
import { stakingAbi } from "../src/protocol/abi/staking.ts";
import { providerPay } from "../src/protocol/pay.ts";
import type { Verdict } from "../src/protocol/tally.ts";

const abi = [...proofOfServiceAbi, ...settlementAbi];

/** The chain's data of an auditor's round. */
export interface RoundState {
  committed: boolean;
  revealed: boolean;
  votes: number;
  claimed: boolean;
  paidVotes: number;
  reward: bigint;
}

/** The chain's data of a service in a settled epoch. */
export interface Settlement {
  grade: number;
  reward: bigint;
}

/** Follows the chain's events and computes the demo's figures, without data from the workers. */
export class Monitor {
  readonly #client: ChainClient;
  readonly #deployment: Deployment;
  readonly #operators: readonly Address[];
  readonly #rounds = new Map<Address, Map<number, RoundState>>();
  readonly #settlements = new Map<bigint, Map<number, Settlement>>();
  readonly #budgets = new Map<number, bigint>();
  readonly #verdicts = new Map<string, Verdict>();
  readonly #transactions = new Map<Address, number>();
  #gas = 0n;
  #votes = 0;
  #next: bigint;

  constructor(client: ChainClient, deployment: Deployment, operators: readonly Address[]) {
    this.#client = client;
    this.#deployment = deployment;
    this.#operators = operators;
    this.#next = BigInt(deployment.block);
  }

  /** Reads all blocks up to `head`. */
  async refresh(head: bigint): Promise<void> {
    for (; this.#next <= head; this.#next++) await this.#readBlock(this.#next);
  }

  /** The round of an auditor. */
  round(auditor: Address, epoch: number): RoundState {
    const byEpoch = this.#rounds.get(auditor) ?? new Map<number, RoundState>();
    this.#rounds.set(auditor, byEpoch);
    const round = byEpoch.get(epoch) ?? {
      committed: false,
      revealed: false,
      votes: 0,
      claimed: false,
      paidVotes: 0,
      reward: 0n,
    };
    byEpoch.set(epoch, round);
    return round;
  }

  /** Auditors that have committed to a round. */
  get auditors(): Address[] {
    return [...this.#rounds]
      .filter(([, byEpoch]) => [...byEpoch.values()].some(({ committed }) => committed))
      .map(([auditor]) => auditor);
  }

  /** The rounds of an epoch on chain. */
  rounds(epoch: number): RoundState[] {
    return [...this.#rounds.values()].flatMap((byEpoch) => byEpoch.get(epoch) ?? []);
  }

  /** The settlement of a service, after it is mined. */
  settlement(number: bigint, epoch: number): Settlement | undefined {
    return this.#settlements.get(number)?.get(epoch);
  }

  /** Whether an epoch's seed was proven. */
  hasSeed(epoch: number): boolean {
    return this.#budgets.has(epoch);
  }

  /** Number of epochs from `first` to the newest one that is settled for a service; some before it may not be. */
  settledTo(number: bigint, first: number): number {
    const settled = [...(this.#settlements.get(number)?.keys() ?? [])];
    return Math.max(0, ...settled.map((epoch) => epoch - first + 1));
  }

  /** Pay of a service in an epoch with the best verdict; 0 if the epoch has no seed. */
  async fullPay(number: bigint, epoch: number): Promise<bigint> {
    const contract = { address: this.#deployment.contracts.staking, abi: stakingAbi };
    const [[, counted], [total]] = await Promise.all([
      this.#client.readContract({
        ...contract,
        functionName: "serviceStakeAt",
        args: [number, epoch],
      }),
      this.#client.readContract({ ...contract, functionName: "totalsAt", args: [epoch] }),
    ]);
    return providerPay(this.#budgets.get(epoch) ?? 0n, counted, total, 3);
  }

  /** The verdict on a service; only for final epochs. */
  async verdict(number: bigint, epoch: number): Promise<Verdict> {
    const key = `${number}/${epoch}`;
    const known = this.#verdicts.get(key);
    if (known !== undefined) return known;
    const [grade, quorate] = await this.#client.readContract({
      address: this.#deployment.contracts.settlement,
      abi: settlementAbi,
      functionName: "verdictOf",
      args: [number, epoch],
    });
    const verdict = quorate ? (grade as Verdict) : null;
    this.#verdicts.set(key, verdict);
    return verdict;
  }

  /** Number of transactions of an operator. */
  transactions(operator: Address): number {
    return this.#transactions.get(operator) ?? 0;
  }

  /** All gas of the operators' transactions over all votes revealed; undefined before the first. */
  get gasPerAudit(): number | undefined {
    return this.#votes === 0 ? undefined : Math.round(Number(this.#gas) / this.#votes);
  }

  async #readBlock(number: bigint): Promise<void> {
    const block = await this.#client.getBlock({ blockNumber: number, includeTransactions: true });
    for (const { hash, from } of block.transactions) {
      const receipt = await this.#client.getTransactionReceipt({ hash });
      const operator = this.#operators.find((address) => isAddressEqual(address, from));
      if (operator !== undefined) {
        this.#gas += receipt.gasUsed;
        this.#transactions.set(operator, this.transactions(operator) + 1);
      }
      this.#readLogs(receipt.logs.filter((log) => this.#isOurs(log.address)));
    }
  }

  #isOurs(address: Hex): boolean {
    const { proofOfService, settlement } = this.#deployment.contracts;
    return [proofOfService, settlement].some((ours) => isAddressEqual(address, ours));
  }

  #readLogs(logs: Parameters<typeof parseEventLogs>[0]["logs"]): void {
    for (const event of parseEventLogs({ abi, logs })) {
      if (event.eventName === "Ticked") {
        this.#budgets.set(event.args.epoch, event.args.providersBudget);
      } else if (event.eventName === "Committed") {
        this.round(event.args.auditor, event.args.epoch).committed = true;
      } else if (event.eventName === "Revealed") {
        const votes = Number(event.args.votes);
        const round = this.round(event.args.auditor, event.args.epoch);
        round.revealed = true;
        round.votes += votes;
        this.#votes += votes;
      } else if (event.eventName === "Claimed") {
        const round = this.round(event.args.auditor, event.args.epoch);
        round.claimed = true;
        round.paidVotes += Number(event.args.paidVotes);
        round.reward += event.args.reward;
      } else if (event.eventName === "Settled") {
        const byEpoch = this.#settlements.get(event.args.number) ?? new Map<number, Settlement>();
        byEpoch.set(event.args.epoch, { grade: event.args.grade, reward: event.args.reward });
        this.#settlements.set(event.args.number, byEpoch);
      }
    }
  }
}
