import { toHex, zeroHash } from "viem";
import { abis } from "../../../../src/protocol/abis.ts";
import { bloc, owner, stranger, type IndexedStory } from "../story.ts";
import { announce } from "./announcements.ts";

/** A label, a sale, stake that comes and leaves, a record that is announced. */
export async function change(story: IndexedStory) {
  const { chain } = story;
  const key = owner(1).key;
  await story.approve(key, "labels", 50);
  const commitment = await chain.client.readContract({
    ...{ address: chain.deployment.contracts.labels, abi: abis.labels },
    ...{ functionName: "labelCommitment", args: ["weather", owner(1).address, zeroHash] },
  });
  await chain.fund(owner(1).address, 1_000);
  await story.send(key, "labels", "commitLabel", [commitment]);
  await chain.driver.jump(story.epoch, 0.7);
  await story.send(key, "labels", "setLabel", [1n, "weather", zeroHash]);
  await announce(story, 1n, chain.serviceKey(1).key);
  await announce(story, 2n, chain.serviceKey(1).key);
  await chain.own(2, "setMetadata", [2n, "x".repeat(256)]);
  await chain.own(2, "setPayout", [2n, stranger.address]);
  await chain.own(2, "setProbe", [2n, toHex(new Uint8Array([0xff, 0xfe]))]);
  await chain.own(1, "setPayout", [1n, stranger.address]);
  await story.approve(key, "staking", 500);
  await story.send(key, "staking", "stakeService", [1n, bloc(500)]);
  await story.send(key, "staking", "unstakeService", [1n, bloc(1_500)]);
  await chain.own(1, "transferFrom", [owner(1).address, stranger.address, 1n]);
  await story.advance(1);
  await story.send(stranger.key, "registry", "setKey", [1n, chain.serviceKey(1).address]);
  await story.approve(stranger.key, "staking", 2_000);
  await story.send(stranger.key, "staking", "stakeService", [1n, bloc(2_000)]);
  await chain.own(3, "setMaintenance", [3n, true]);
  await story.advance(1);
  await chain.own(3, "setMaintenance", [3n, false]);
  await story.advance(2);
}
