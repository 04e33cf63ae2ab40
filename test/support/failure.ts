import { BlockcloudError } from "../../src/protocol/errors.ts";

/** What a promise fails with; an error where it does not. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
  return new Error("it did not fail");
}

/** The code of one of our errors; of others, what they say. */
export function codeOf(error: Error): string {
  return error instanceof BlockcloudError ? error.code : error.message;
}
