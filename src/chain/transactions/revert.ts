import {
  BaseError,
  ContractFunctionRevertedError,
  decodeErrorResult,
  type Abi,
  type Hex,
} from "viem";
import { BlockcloudError } from "../../protocol/errors.ts";
import { whatFailed } from "../rpc/faults.ts";

/** The revert of a call. */
export interface ContractError {
  /** Undefined if the ABI does not contain it. */
  name: string | undefined;
  args: readonly unknown[];
  /** The text of a plain `revert`. */
  reason: string | undefined;
  /** Whether it has no data: these contracts always revert with data, but a node may have lost it. */
  isBare: boolean;
}

/** The contract's error in a client's error; undefined for any other failure. */
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
 * Converts a client's error for a call to an error that names the contract's error. These contracts never revert
 * without data, so such a revert may be a temporary failure of the node.
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

/** The contract's error in the data of a revert; undefined if the ABI does not contain it. */
export function decodeReason(
  abi: Abi,
  data: Hex,
): Pick<ContractError, "name" | "args"> | undefined {
  try {
    const { errorName, args } = decodeErrorResult({ abi, data });
    return { name: errorName, args: args ?? [] };
  } catch {
    // It is the error of a contract further down, or there is no data.
    return undefined;
  }
}
