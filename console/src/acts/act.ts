import type { Abi, Address, Client, PublicActions, TransactionReceipt } from "viem";
import type { abis } from "../../../src/protocol/abis.ts";
import type { Rpc } from "../verify/rpc.ts";
import type { VerifiedDeployment } from "../verify/deployment.ts";

/** Any client that reads. */
export type Reader = Client &
  Pick<
    PublicActions,
    "getBalance" | "getBlock" | "getGasPrice" | "readContract" | "simulateContract"
  >;

/** What an act reads from. */
export interface ActContext {
  client: Reader;
  /** The same node, for blocks as it tells them. */
  rpc: Rpc;
  deployment: VerifiedDeployment;
  /** The wallet's account. */
  account: Address;
  salts: Salts;
}

/** Secrets of commitments that must survive a reload of the page. */
export interface Salts {
  read(name: string): string | undefined;
  write(name: string, value: string): void;
  remove(name: string): void;
}

/** An input of an act. */
export interface Field {
  readonly name: string;
  readonly label: string;
  readonly kind: "bloc" | "service" | "number" | "address" | "text" | "long" | "choice";
  readonly hint?: string;
  /** Without it the field may stay empty. */
  readonly required?: boolean;
  readonly initial?: string;
  /** Of a choice. */
  readonly options?: readonly { value: string; label: string }[];
}

/** A contract call. */
export interface ActCall {
  contract: keyof typeof abis;
  functionName: string;
  args: readonly unknown[];
}

/** Movements of BLOC, in wei. */
export interface BlocMoves {
  readonly burned?: bigint;
  readonly staked?: bigint;
  readonly bonded?: bigint;
  readonly deposited?: bigint;
  readonly unbonding?: bigint;
  readonly received?: bigint;
}

/** What a mined transaction did, by its receipt. */
export interface Result {
  readonly text: string;
  /** It succeeded and changed nothing. */
  readonly isNothing?: boolean;
}

/** The one transaction of an act. */
export interface Plan {
  /** For example "stake for service 7". */
  readonly title: string;
  readonly call: ActCall;
  /** BLOC that the contract takes from the account, in wei: by its allowance, or else by a permit. */
  readonly takes?: bigint;
  readonly moves?: BlocMoves;
  /** What is true afterwards, one line each. */
  readonly outcome: readonly string[];
  /** What the receipt says. */
  result?(receipt: TransactionReceipt): Result | undefined;
  /** Called when the transaction is mined. */
  done?(): void;
}

/** The values of a form, by field. */
export type Values = Readonly<Record<string, string>>;

/** Something that a wallet can do here. */
export interface Act {
  readonly id: string;
  readonly group: "Service" | "Stake" | "Challenge" | "Pay";
  readonly title: string;
  readonly about: string;
  readonly fields: readonly Field[];
  /**
   * Checks the values and builds the transaction.
   *
   * @throws BlockcloudError for a value or a state that the act cannot have, with its remedy.
   */
  plan(values: Values, context: ActContext): Promise<Plan>;
}

/** The ABI and the address of a call. */
export interface ResolvedCall {
  address: Address;
  abi: Abi;
  functionName: string;
  args: readonly unknown[];
}
