import type { Hex } from "viem";
import { contractRemedies, decodeContractError } from "../../../src/protocol/contractErrors.ts";
import { BlockcloudError } from "../../../src/protocol/errors.ts";

/** Deepest chain of causes that is looked into. */
const MAX_DEPTH = 12;
/** Longest text of a node or a wallet that is shown. */
const MAX_TEXT = 200;

/** The contract's error that a node gave for a call, however a client wraps it; undefined for any other failure. */
export function refusalOf(error: unknown): { name: string; args: readonly unknown[] } | undefined {
  for (const data of dataOf(error, 0)) {
    const decoded = decodeContractError(data);
    if (decoded !== undefined) return decoded;
  }
  return undefined;
}

/** A failed call as an error with the contract's own name and its remedy; other failures say what the node said. */
export function describeRefusal(functionName: string, error: unknown): BlockcloudError {
  if (error instanceof BlockcloudError) return error;
  const refusal = refusalOf(error);
  if (refusal === undefined) {
    return new BlockcloudError("CALL_FAILED", `${functionName} cannot be tried: ${saidBy(error)}`, {
      cause: error,
      retryable: true,
      remedy: "Check the RPC endpoint and the account's ether, and try again.",
    });
  }
  const { name, args } = refusal;
  const remedy = contractRemedies[name];
  return new BlockcloudError(
    "CALL_REVERTED",
    `The contract refuses: ${name}(${args.map(String).join(", ")}).`,
    {
      cause: error,
      ...(remedy !== undefined && { remedy }),
    },
  );
}

/** The text of a node's or a wallet's error, bounded. */
export function saidBy(error: unknown): string {
  if (typeof error !== "object" || error === null) return String(error).slice(0, MAX_TEXT);
  const { shortMessage, message } = error as { shortMessage?: unknown; message?: unknown };
  const text = [shortMessage, message].find((each) => typeof each === "string");
  return (text ?? "no reason").slice(0, MAX_TEXT);
}

/** Nodes put the data of a revert at different depths: `data`, `data.data`, `cause.data`, `error.data`. */
function* dataOf(error: unknown, depth: number): Generator<Hex> {
  if (typeof error !== "object" || error === null || depth > MAX_DEPTH) return;
  for (const name of ["raw", "data", "cause", "error", "originalError"]) {
    const value = (error as Record<string, unknown>)[name];
    if (typeof value === "string" && /^0x[0-9a-f]{8,}$/i.test(value)) yield value as Hex;
    else yield* dataOf(value, depth + 1);
  }
}
