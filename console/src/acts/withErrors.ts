import type { Abi } from "viem";
import { contractErrors } from "../../../src/protocol/contractErrors.ts";
import type { ResolvedCall } from "./act.ts";

/** A call whose ABI has the errors of all contracts, because a contract further down may throw. */
export function withErrors(call: ResolvedCall): ResolvedCall {
  const abi: Abi = [...call.abi.filter((item) => item.type !== "error"), ...contractErrors];
  return { ...call, abi };
}
