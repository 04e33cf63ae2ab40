import {
  erc20Abi,
  formatEther,
  formatGwei,
  type Address,
  type Hex,
  type TransactionReceipt,
} from "viem";
import type { ChainClient } from "../../chain/client.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { permitted } from "../../chain/permits.ts";
import { gasLimit } from "../../chain/transactions/gas.ts";
import { gasPrice, priceOf, type FeePolicy } from "../../chain/transactions/fees.ts";
import type { TransactionSender } from "../../chain/transactions/sender.ts";
import type { Call } from "../../chain/transactions/call.ts";
import { describeRevert } from "../../chain/transactions/revert.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { Output } from "./output.ts";
import { previewJson, previewText, spent, type Plan, type Preview, type Step } from "./plan.ts";
import type { Progress } from "./progress.ts";
import { contractErrors, withRemedy } from "./remedies.ts";

/** Gas of the most expensive call that takes BLOC, used if the balance is too low for an estimate. */
const PAYING_GAS = 335_000n;

/** A transaction that was sent. */
export interface Sent {
  readonly name: string;
  readonly receipt: TransactionReceipt;
}

export interface TransactorOptions {
  /** The account's key; it signs permits. */
  readonly key: Hex;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly fees: FeePolicy;
}

export interface TransactorDependencies {
  readonly client: ChainClient;
  readonly deployment: Deployment;
  readonly sender: TransactionSender;
  readonly output: Output;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  confirm(question: string): Promise<void>;
}

/** Ends a command after its preview, before it sends. */
export class DryRun extends Error {}

/** Shows the effects and costs of transactions, asks for confirmation, and sends them. */
export class Transactor {
  readonly account: Address;
  readonly #options: TransactorOptions;
  readonly #client: ChainClient;
  readonly #deployment: Deployment;
  readonly #sender: TransactionSender;
  readonly #output: Output;
  readonly #progress: Progress;
  readonly #signal: AbortSignal;
  readonly #confirm: TransactorDependencies["confirm"];

  constructor(options: TransactorOptions, dependencies: TransactorDependencies) {
    this.account = dependencies.sender.address;
    this.#options = options;
    this.#client = dependencies.client;
    this.#deployment = dependencies.deployment;
    this.#sender = dependencies.sender;
    this.#output = dependencies.output;
    this.#progress = dependencies.progress;
    this.#signal = dependencies.signal;
    this.#confirm = dependencies.confirm;
  }

  /**
   * Completes a step that takes BLOC from the account. If the allowance is too low, the account signs a permit
   * for exactly the amount, and the step includes it.
   *
   * @param spender The contract that takes the BLOC.
   * @param amount BLOC in wei.
   */
  async paying(step: Step, spender: Address, amount: bigint): Promise<Step> {
    const client = this.#client;
    const deployment = this.#deployment;
    const { key } = this.#options;
    const [call, balance] = await Promise.all([
      permitted(client, deployment, { call: step.call, key, spender, amount }),
      this.#bloc(),
    ]);
    // With too little BLOC an estimate would revert; the check of balances then reports the missing amount.
    const isShort = balance < amount;
    return { ...step, call, ...(isShort && { roughGas: step.roughGas ?? PAYING_GAS }) };
  }

  /**
   * Sends the transactions of a plan, one after another.
   *
   * @param options.confirmed Whether the user has confirmed it already, as part of another plan.
   * @throws BlockcloudError `BALANCE_TOO_LOW` or `REFUSED` before the first transaction, `CALL_REVERTED` with a
   * remedy.
   * @throws DryRun after the preview, if --dry-run is set.
   */
  async carryOut(plan: Plan, options: { confirmed?: boolean } = {}): Promise<Sent[]> {
    const output = this.#output;
    const progress = this.#progress;
    const confirm = this.#confirm;
    const preview = await this.preview(plan);
    if (this.#options.dryRun) {
      output.print({ dryRun: previewJson(preview) }, previewText(preview));
      throw new DryRun();
    }
    progress.say(previewText(preview));
    await this.#checkBalances(preview);
    if (!this.#options.yes && options.confirmed !== true)
      await confirm(`Send ${count(plan.steps.length, "transaction")}?`);
    const sent: Sent[] = [];
    for (const step of plan.steps) {
      await step.ready?.();
      progress.update(`sending: ${step.name}`);
      sent.push({ name: step.name, receipt: await this.#send(step) });
      progress.clear();
      progress.say(`done: ${step.name}`);
    }
    return sent;
  }

  /**
   * Computes the cost of a plan.
   *
   * @throws BlockcloudError `GAS_TOO_EXPENSIVE` if the price is above the user's limit.
   */
  async preview(plan: Plan): Promise<Preview> {
    const client = this.#client;
    const { fees } = this.#options;
    const [gas, block, tip] = await Promise.all([
      Promise.all(plan.steps.map((step) => this.#gas(step))),
      client.getBlock(),
      client.estimateMaxPriorityFeePerGas(),
    ]);
    const market = { baseFee: block.baseFeePerGas ?? 0n, tip };
    const now = gasPrice(market, fees);
    const price = priceOf(market, fees, false);
    if (price === undefined) {
      throw new BlockcloudError(
        "GAS_TOO_EXPENSIVE",
        `Gas costs ${formatGwei(now)} gwei, above the limit of ${formatGwei(fees.maxFeePerGas ?? 0n)}.`,
        { retryable: true, remedy: "Run again later, or raise --max-fee." },
      );
    }
    // The account needs more: a transaction's gas limit is above its expected gas.
    const most = gas.reduce((sum, item) => sum + gasLimit(item), 0n);
    const total = gas.reduce((sum, item) => sum + item, 0n);
    return { plan, gas, expected: total * now, atMost: most * price.maxFeePerGas };
  }

  async #gas({ call, roughGas }: Step): Promise<bigint> {
    if (roughGas !== undefined) return roughGas;
    const client = this.#client;
    try {
      return await client.estimateContractGas({ ...withErrors(call), account: this.account });
    } catch (cause) {
      throw withRemedy(describeRevert(call.functionName, cause));
    }
  }

  async #checkBalances({ plan, atMost }: Preview): Promise<void> {
    const client = this.#client;
    const [ether, bloc] = await Promise.all([
      client.getBalance({ address: this.account }),
      this.#bloc(),
    ]);
    const needed = spent(plan.bloc ?? {});
    const short = [
      ...(ether < atMost ? [`${formatEther(ether)} ETH of ${formatEther(atMost)} for gas`] : []),
      ...(bloc < needed ? [`${formatEther(bloc)} BLOC of ${formatEther(needed)}`] : []),
    ];
    if (short.length === 0) return;
    throw new BlockcloudError("BALANCE_TOO_LOW", `${this.account} has ${short.join(" and ")}.`, {
      remedy: "Send the missing amount to it, and run again.",
    });
  }

  #bloc(): Promise<bigint> {
    const client = this.#client;
    const deployment = this.#deployment;
    return client.readContract({
      address: deployment.contracts.token,
      abi: erc20Abi,
      functionName: "balanceOf",
      args: [this.account],
    });
  }

  /**
   * Sends a step once. If it is not known whether a transaction was mined, it is not sent again: the user checks
   * this first.
   */
  async #send({ call }: Step): Promise<TransactionReceipt> {
    const sender = this.#sender;
    const signal = this.#signal;
    try {
      return await sender.send(withErrors(call), { signal });
    } catch (error) {
      throw error instanceof BlockcloudError ? withRemedy(error) : error;
    }
  }
}

/** Transactions for a command's result; the fee in wei. */
export function sentJson(sent: readonly Sent[]): object[] {
  return sent.map(({ name, receipt }) => ({
    name,
    hash: receipt.transactionHash,
    block: receipt.blockNumber,
    gasUsed: receipt.gasUsed,
    fee: receipt.gasUsed * receipt.effectiveGasPrice,
  }));
}

/** A call whose ABI includes the errors of all contracts, because a contract further down may throw. */
function withErrors(call: Call): Call {
  return { ...call, abi: [...call.abi.filter((item) => item.type !== "error"), ...contractErrors] };
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
