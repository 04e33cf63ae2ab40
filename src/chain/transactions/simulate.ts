import { contractError } from "./revert.ts";

/**
 * Runs a simulated call.
 *
 * @returns The result; undefined if the call reverts.
 * @throws Any other error: a failing endpoint, or a revert without data, which these contracts never make.
 */
export async function simulate<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    const refusal = contractError(error);
    if (refusal === undefined || refusal.isBare) throw error;
    return undefined;
  }
}
