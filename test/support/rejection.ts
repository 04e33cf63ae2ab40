import { expect } from "chai";
import { BlockcloudError } from "../../src/protocol/errors.ts";

/** Waits for what must fail with a typed error, and gives the error for further checks. */
export async function rejection(code: string, promise: Promise<unknown>): Promise<BlockcloudError> {
  let thrown: unknown;
  try {
    await promise;
  } catch (error) {
    thrown = error;
  }
  if (thrown === undefined) expect.fail(`expected ${code}, but it succeeded`);
  if (!(thrown instanceof BlockcloudError)) {
    expect.fail(`expected ${code}, got ${thrown instanceof Error ? thrown.stack : typeof thrown}`);
  }
  expect(thrown.code, thrown.message).to.equal(code);
  return thrown;
}
