import type { Address } from "viem";
import type { abis } from "../../../src/protocol/abis.ts";

/** What the recount needs to know of a deployment: the deployment file has it. */
export interface VerifiedDeployment {
  chainId: number;
  /** First block that can contain an event of the contracts. */
  block: number;
  genesis: number;
  epochSeconds: number;
  contracts: Record<keyof typeof abis, Address>;
}
