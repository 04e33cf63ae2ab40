import { BaseError, ContractFunctionRevertedError } from "viem";

/**
 * Runs a simulated call.
 *
 * @returns What it gives; undefined where the contract refuses.
 * @throws Whatever else went wrong: an endpoint that fails has refused nothing.
 */
export async function simulate<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (revertOf(error) !== undefined) return undefined;
    throw error;
  }
}

/** The contract's error behind what a client threw: name and values; undefined for any other failure. */
export function revertOf(
  error: unknown,
): { name: string | undefined; args: readonly unknown[] } | undefined {
  const found =
    error instanceof BaseError
      ? error.walk((inner) => inner instanceof ContractFunctionRevertedError)
      : null;
  if (!(found instanceof ContractFunctionRevertedError)) return undefined;
  return { name: found.data?.errorName, args: found.data?.args ?? [] };
}
