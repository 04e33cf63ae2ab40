import { formatEther } from "viem";
import type { Call } from "../../chain/transactions/call.ts";

/** One transaction of a plan. */
export interface Step {
  /** Description: `approve 1010 BLOC for the staking contract`. */
  readonly name: string;
  readonly call: Call;
  /**
   * Approximate gas, if it can be estimated only after the preceding step (snapshots/gas.json, rounded up).
   * If undefined, gas is estimated now.
   */
  readonly roughGas?: bigint;
  /** Waits until the step can be sent, if the preceding receipt is not enough. */
  readonly ready?: () => Promise<void>;
}

/** Movements of BLOC, in wei. */
export interface BlocMoves {
  readonly burned?: bigint;
  readonly staked?: bigint;
  readonly bonded?: bigint;
  readonly transferred?: bigint;
  /** Into an account of the Cashier. */
  readonly deposited?: bigint;
  /** Stake that begins to unbond. */
  readonly unbonding?: bigint;
  /** Paid out to the owner. */
  readonly received?: bigint;
}

/** The transactions that a command is about to send. */
export interface Plan {
  /** The purpose: `register a service`. */
  readonly title: string;
  readonly steps: readonly Step[];
  readonly bloc?: BlocMoves;
  /** The state afterwards, one line each. */
  readonly outcome: readonly string[];
}

/** The cost of a plan. */
export interface Preview {
  readonly plan: Plan;
  readonly gas: readonly bigint[];
  /** At the present price, wei. */
  readonly expected: bigint;
  /** At the highest price that the transactions may pay, wei. */
  readonly atMost: bigint;
}

/** BLOC that leaves the account, wei. */
export function spent(moves: BlocMoves) {
  const { burned = 0n, staked = 0n, bonded = 0n, transferred = 0n, deposited = 0n } = moves;
  return burned + staked + bonded + transferred + deposited;
}

/** Formats a preview as text. */
export function previewText({ plan, gas, expected, atMost }: Preview): string {
  const rows = plan.steps.map(
    ({ name, roughGas }, index) =>
      `  ${index + 1}. ${name}: ${roughGas === undefined ? "" : "about "}${gas[index] ?? 0n} gas`,
  );
  const moves = Object.entries(plan.bloc ?? {}) as [string, bigint][];
  return [
    `To ${plan.title}:`,
    ...rows,
    `  fee: about ${ether(expected)} ETH, at most ${ether(atMost)} ETH`,
    ...moves
      .filter(([, amount]) => amount !== 0n)
      .map(([what, amount]) => `  ${what}: ${formatEther(amount)} BLOC`),
    ...plan.outcome.map((line) => `  then: ${line}`),
  ].join("\n");
}

/** Formats a preview as JSON; ether and BLOC in wei. */
export function previewJson({ plan, gas, expected, atMost }: Preview): object {
  return {
    title: plan.title,
    transactions: plan.steps.map(({ name }, index) => ({ name, gas: gas[index] ?? 0n })),
    fee: { expected, atMost },
    bloc: plan.bloc ?? {},
    outcome: plan.outcome,
  };
}

/** Ether with as many digits as a fee needs. */
function ether(wei: bigint): string {
  const text = formatEther(wei);
  const [whole = "0", fraction = ""] = text.split(".");
  const leading = /^0*/.exec(fraction)?.[0].length ?? 0;
  const digits = fraction.slice(0, whole === "0" ? leading + 4 : 4).replace(/0+$/, "");
  return digits === "" ? whole : `${whole}.${digits}`;
}
