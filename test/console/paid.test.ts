import { expect } from "chai";
import { encodeAbiParameters, encodeEventTopics, parseEther, zeroAddress, type Log } from "viem";
import { claimedBy, collectedBy, settledBy } from "../../console/src/acts/table/paid.ts";
import { settlementAbi } from "../../src/protocol/abi/settlement.ts";

/** The log of a settled epoch. */
function settled(number: bigint, epoch: number, reward: bigint): Log {
  const args = { number, epoch };
  const topics = encodeEventTopics({ abi: settlementAbi, eventName: "Settled", args });
  const data = encodeAbiParameters([{ type: "uint8" }, { type: "uint256" }], [3, reward]);
  return { ...{ address: zeroAddress, topics, data } } as unknown as Log;
}
const receipt = (...logs: Log[]) => ({ logs }) as Parameters<typeof settledBy>[0];

describe("what a transaction paid, by its receipt", () => {
  it("is the sum over the settled epochs of that service, not what was promised", () => {
    const logs = [settled(3n, 7, parseEther("2")), settled(3n, 8, parseEther("0.5"))];
    const { text, isNothing } = settledBy(receipt(...logs, settled(4n, 8, 9n)), 3n, 99n);
    expect(text).to.equal("Done: 2.5 BLOC paid for 2 epochs");
    expect(isNothing).to.equal(undefined);
  });

  it("is told as nothing when another account settled between the check and the send", () => {
    const first = settledBy(receipt(), 3n, parseEther("18"));
    expect(first).to.include({ isNothing: true });
    expect(first.text).to.contain("another account settled");
    const none = settledBy(receipt(settled(3n, 7, 0n)), 3n, 0n);
    expect(none).to.include({ isNothing: true });
    expect(none.text).to.contain("had no pay");
  });

  it("is told as nothing for a claim and a collection without an event", () => {
    expect(claimedBy(receipt())).to.include({ isNothing: true });
    expect(collectedBy(receipt())).to.include({ isNothing: true });
  });
});
