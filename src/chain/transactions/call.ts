import type { Abi, Address } from "viem";

/** A contract call to send. */
export interface Call {
  address: Address;
  abi: Abi;
  functionName: string;
  args: readonly unknown[];
}

/** A plain transfer of ether. */
export interface EtherTransfer {
  /** The receiver. */
  address: Address;
  /** For the log, in the place of a function. */
  functionName: "sendEther";
  /** Wei. */
  value: bigint;
}
