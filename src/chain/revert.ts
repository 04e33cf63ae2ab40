import { BaseError, ContractFunctionRevertedError } from "viem";
import { BlockcloudError } from "../protocol/errors.ts";

/** What a contract refused a call with. */
export interface ContractError {
  /** Undefined where no ABI knows it. */
  name: string | undefined;
  args: readonly unknown[];
  /** The text of a plain `revert`. */
  reason: string | undefined;
}

/** The contract's error behind what a client threw; undefined for any other failure. */
export function contractError(error: unknown): ContractError | undefined {
  const found =
    error instanceof BaseError
      ? error.walk((inner) => inner instanceof ContractFunctionRevertedError)
      : null;
  if (!(found instanceof ContractFunctionRevertedError)) return undefined;
  return { name: found.data?.errorName, args: found.data?.args ?? [], reason: found.reason };
}

/** Turns what a client threw for a call into an error that names the contract's own. */
export function describeRevert(functionName: string, cause: unknown): BlockcloudError {
  const revert = contractError(cause);
  if (revert !== undefined) {
    const name = revert.name ?? revert.reason ?? "an unknown reason";
    const args = revert.args.map(String).join(", ");
    return new BlockcloudError("CALL_REVERTED", `${functionName} reverts: ${name}(${args}).`, {
      cause,
    });
  }
  const message = cause instanceof BaseError ? cause.shortMessage : String(cause);
  return new BlockcloudError("TRANSACTION_FAILED", `${functionName} was not sent: ${message}`, {
    cause,
    retryable: true,
    remedy: "Check the RPC endpoint and the key's balance.",
  });
}
