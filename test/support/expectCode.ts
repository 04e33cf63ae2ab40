import { expect } from "chai";
import { BlockcloudError } from "../../src/protocol/errors.ts";

/** Runs what must fail with a typed error, and gives the error for further checks. */
export function expectCode(code: string, run: () => unknown): BlockcloudError {
  let thrown: unknown;
  let value: unknown;
  try {
    value = run();
  } catch (error) {
    thrown = error;
  }
  if (thrown === undefined) {
    expect.fail(`expected ${code}, got a value: ${JSON.stringify(value, jsonSafe)}`);
  }
  if (!(thrown instanceof BlockcloudError)) {
    expect.fail(
      `expected ${code}, got ${thrown instanceof Error ? thrown.message : typeof thrown}`,
    );
  }
  expect(thrown.code, thrown.message).to.equal(code);
  return thrown;
}

function jsonSafe(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
