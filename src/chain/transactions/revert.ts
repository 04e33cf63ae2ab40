import {
  BaseError,
  ContractFunctionRevertedError,
  decodeErrorResult,
  type Abi,
  type Hex,
} from "viem";
import { BlockcloudError } from "../../protocol/errors.ts";
import { whatFailed } from "../rpc/faults.ts";

/** What a contract refused a call with. */
export interface ContractError {
  /** Undefined where no ABI knows it. */
  name: string | undefined;
  args: readonly unknown[];
  /** The text of a plain `revert`. */
  reason: string | undefined;
  /** Whether it came without data: none of our contracts refuses so, and a node may have lost it. */
  isBare: boolean;
}

/** The contract's error behind what a client threw; undefined for any other failure. */
export function contractError(error: unknown): ContractError | undefined {
  const found =
    error instanceof BaseError
      ? error.walk((inner) => inner instanceof ContractFunctionRevertedError)
      : null;
  if (!(found instanceof ContractFunctionRevertedError)) return undefined;
  const { data, reason, raw = "0x" } = found;
  return { name: data?.errorName, args: data?.args ?? [], reason, isBare: raw === "0x" };
}

/**
 * Turns what a client threw for a call into an error that names the contract's own. A revert without a reason
 * is none that our contracts make: it may be the node's failure, and pass.
 */
export function describeRevert(functionName: string, cause: unknown): BlockcloudError {
  const revert = contractError(cause);
  if (revert !== undefined) {
    const name = revert.name ?? revert.reason ?? "an unknown reason";
    const args = revert.args.map(String).join(", ");
    return new BlockcloudError("CALL_REVERTED", `${functionName} reverts: ${name}(${args}).`, {
      cause,
      retryable: revert.isBare,
    });
  }
  const why = whatFailed(cause);
  return new BlockcloudError("TRANSACTION_FAILED", `${functionName} was not sent: ${why}`, {
    cause,
    retryable: true,
    remedy: "Check the RPC endpoint and the key's balance.",
  });
}

/** The contract's error in the data of a revert; undefined where the ABI does not know it. */
export function decodeReason(
  abi: Abi,
  data: Hex,
): Pick<ContractError, "name" | "args"> | undefined {
  try {
    const { errorName, args } = decodeErrorResult({ abi, data });
    return { name: errorName, args: args ?? [] };
  } catch {
    // The reason of a contract that was called by it, or none at all.
    return undefined;
  }
}
