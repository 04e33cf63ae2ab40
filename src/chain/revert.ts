import { BaseError, ContractFunctionRevertedError } from "viem";
import { BlockcloudError } from "../protocol/errors.ts";

/** Turns what a client threw for a call into an error that names the contract's own. */
export function describeRevert(functionName: string, cause: unknown): BlockcloudError {
  const revert =
    cause instanceof BaseError
      ? cause.walk((error) => error instanceof ContractFunctionRevertedError)
      : null;
  if (revert instanceof ContractFunctionRevertedError) {
    const name = revert.data?.errorName ?? revert.reason ?? "an unknown reason";
    const args = (revert.data?.args ?? []).map(String).join(", ");
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
