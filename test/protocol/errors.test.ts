import { expect } from "chai";
import { BlockcloudError } from "../../src/protocol/errors.ts";

describe("BlockcloudError", () => {
  it("carries code, remedy and cause", () => {
    const cause = new Error("below");
    const error = new BlockcloudError("X_BROKEN", "X is broken.", {
      cause,
      remedy: "Mend it.",
      retryable: true,
    });
    expect(error).to.be.instanceOf(Error);
    expect(error.name).to.equal("BlockcloudError");
    expect(error.code).to.equal("X_BROKEN");
    expect(error.message).to.equal("X is broken. Mend it.");
    expect(error.remedy).to.equal("Mend it.");
    expect(error.retryable).to.equal(true);
    expect(error.cause).to.equal(cause);
  });

  it("is final and without advice unless told otherwise", () => {
    const error = new BlockcloudError("X_BROKEN", "X is broken.");
    expect(error.message).to.equal("X is broken.");
    expect(error.remedy).to.equal(undefined);
    expect(error.retryable).to.equal(false);
  });
});
