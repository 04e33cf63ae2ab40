import { BaseError } from "viem";
import { findFault, whatFailed } from "../../chain/rpc/faults.ts";
import { describeRevert } from "../../chain/transactions/revert.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { revertOf, withRemedy } from "./remedies.ts";

/**
 * Converts an unexpected error of a viem client to a `BlockcloudError`: a revert with its remedy, or a failing
 * endpoint without its URL, which may contain a key. Other errors are returned unchanged.
 */
export function explain(error: unknown): unknown {
  if (!(error instanceof BaseError)) return error;
  if (revertOf(error) !== undefined) return withRemedy(describeRevert("the call", error));
  const fault = findFault(error);
  if (fault?.kind === "wrong chain") {
    return new BlockcloudError("CHAIN_MISMATCH", fault.message, {
      cause: error,
      remedy: "Name an RPC endpoint of the deployment's chain.",
    });
  }
  return new BlockcloudError("CHAIN_UNREACHABLE", `An RPC request failed: ${whatFailed(error)}`, {
    cause: error,
    retryable: true,
    remedy: "Check the RPC endpoints with blockcloud doctor, and run again.",
  });
}
