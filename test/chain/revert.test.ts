import { expect } from "chai";
import { describeRevert } from "../../src/chain/revert.ts";
import { serviceRegistryAbi } from "../../src/protocol/abi/serviceRegistry.ts";
import { DEPLOYMENT, FakeChain, FakeRevert } from "../support/fakeChain.ts";
import { failureOf } from "../support/httpClient.ts";

describe("describeRevert", () => {
  let chain: FakeChain;

  beforeEach(() => {
    chain = new FakeChain();
  });

  /** What a client throws when `serviceCount` fails so. */
  async function thrown(failure: Error): Promise<unknown> {
    chain.answers.serviceCount = () => {
      throw failure;
    };
    return failureOf(
      chain.client.readContract({
        address: DEPLOYMENT.contracts.registry,
        abi: serviceRegistryAbi,
        functionName: "serviceCount",
      }),
    );
  }

  it("names the contract's error and its values, and keeps the cause", async () => {
    const cause = await thrown(new FakeRevert("RegistryProbeLength", [2_000n, 1_024n]));
    const error = describeRevert("setProbe", cause);
    expect(error.code).to.equal("CALL_REVERTED");
    expect(error.message).to.equal("setProbe reverts: RegistryProbeLength(2000, 1024).");
    expect(error.retryable).to.equal(false);
    expect(error.cause).to.equal(cause);
  });

  it("says so when the reason is not known", async () => {
    const bare = Object.assign(new Error("execution reverted"), { code: 3, data: "0x" });
    const error = describeRevert("setProbe", await thrown(bare));
    expect(error.code).to.equal("CALL_REVERTED");
    expect(error.message).to.contain("setProbe reverts: ");
  });

  it("takes anything else for an endpoint's failure, which may pass", async () => {
    for (const cause of [await thrown(new Error("overloaded")), new Error("dark"), "dark", null]) {
      const error = describeRevert("tick", cause);
      expect(error.code).to.equal("TRANSACTION_FAILED");
      expect(error.message).to.contain("tick was not sent");
      expect(error.retryable).to.equal(true);
    }
  });
});
