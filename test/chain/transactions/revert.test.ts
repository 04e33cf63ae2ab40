import { expect } from "chai";
import { errorOf } from "../../../src/chain/rpc/faults.ts";
import { describeRevert } from "../../../src/chain/transactions/revert.ts";
import { serviceRegistryAbi } from "../../../src/protocol/abi/serviceRegistry.ts";
import { DEPLOYMENT, FakeChain, FakeRevert } from "../../support/fakeChain.ts";
import { failureOf } from "../../support/httpClient.ts";

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

  it("says so when the reason is not known, which may be the node's failure and pass", async () => {
    const bare = errorOf({ code: 3, message: "execution reverted", data: "0x" });
    const error = describeRevert("setProbe", await thrown(bare));
    expect(error.code).to.equal("CALL_REVERTED");
    expect(error.message).to.contain("setProbe reverts: ");
    expect(error.retryable).to.equal(true);
  });

  for (const [node, error] of [
    ["an internal error", { code: -32_603, message: "internal error" }],
    ["the code of a revert without its data", { code: 3, message: "upstream unavailable" }],
    ["data that is no revert's", { code: -32_000, message: "busy", data: "0x5b38" }],
    ["an allowance", { code: -32_000, message: "gas required exceeds allowance (0)" }],
  ] as const) {
    it(`takes ${node} for no revert, and keeps the node's words`, async () => {
      const described = describeRevert("reveal", await thrown(errorOf(error)));
      expect(described.code).to.equal("TRANSACTION_FAILED");
      expect(described.retryable).to.equal(true);
      expect(described.message).to.contain(error.message).and.to.contain(`${error.code}`);
    });
  }

  const { data } = new FakeRevert("RegistryProbeLength", [2_000n, 1_024n]);
  for (const [node, error] of [
    ["geth", { code: 3, message: "execution reverted", data }],
    ["an older geth", { code: -32_000, message: "execution reverted", data }],
    ["Hardhat", { code: -32_603, message: "VM Exception", data: { message: "reverted", data } }],
    ["Nethermind", { code: -32_015, message: "VM execution error.", data: `Reverted ${data}` }],
  ] as const) {
    it(`finds the contract's error in the answer of ${node}`, async () => {
      const described = describeRevert("setProbe", await thrown(errorOf(error)));
      expect(described.code).to.equal("CALL_REVERTED");
      expect(described.message).to.contain("RegistryProbeLength");
      expect(described.retryable).to.equal(false);
    });
  }

  it("takes anything else for an endpoint's failure, which may pass", async () => {
    for (const cause of [await thrown(new Error("overloaded")), new Error("dark"), "dark", null]) {
      const error = describeRevert("tick", cause);
      expect(error.code).to.equal("TRANSACTION_FAILED");
      expect(error.message).to.contain("tick was not sent");
      expect(error.retryable).to.equal(true);
    }
  });
});
