import { contractError } from "./revert.ts";

/**
 * Runs a simulated call.
 *
 * @returns What it gives; undefined where the contract refuses.
 * @throws Whatever else went wrong: an endpoint that fails has refused nothing, and a revert without data is
 * no word of our contracts.
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
