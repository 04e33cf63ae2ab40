import { contractError } from "./revert.ts";

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
    if (contractError(error) !== undefined) return undefined;
    throw error;
  }
}
