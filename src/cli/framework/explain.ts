import { BaseError } from "viem";
import { findFault, whatFailed } from "../../chain/rpc/faults.ts";
import { describeRevert } from "../../chain/transactions/revert.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { revertOf, withRemedy } from "./remedies.ts";

/**
 * What a client threw where nobody expected it, as one of ours: a revert with what to do about it, or an
 * endpoint that fails, without its URL, which may hold a key. Anything else stays as it is.
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
