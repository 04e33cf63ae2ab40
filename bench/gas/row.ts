import type { Address } from "viem";
import type { ContractName } from "../chain.ts";

/** Sends a call and records its gas. */
export type Row = (
  from: Address,
  contract: ContractName,
  name: string,
  args: readonly unknown[],
  when?: string,
) => Promise<void>;
