import { toHex, zeroHash } from "viem";
import { labelCommitment } from "../../../../src/protocol/label.ts";
import { bloc, owner, stranger, type IndexedStory } from "../story.ts";
import { announce } from "./announcements.ts";

/** A label, a sale, stake that comes and leaves, a record that is announced. */
export async function change(story: IndexedStory) {
  const { chain } = story;
  const key = owner(1).key;
  await story.approve(key, "labels", 50);
  await chain.fund(owner(1).address, 1_000);
  await chain.fund(owner(2).address, 50);
  await story.approve(owner(2).key, "labels", 50);
  const labels = ["weather", "l".repeat(63)];
  for (const [index, label] of labels.entries()) {
    const { key, address } = owner(index + 1);
    const commitment = labelCommitment(label, address, zeroHash);
    await story.send(key, "labels", "commitLabel", [commitment]);
  }
  await chain.driver.jump(story.epoch, 0.7);
  for (const [index, label] of labels.entries()) {
    const args = [BigInt(index + 1), label, zeroHash];
    await story.send(owner(index + 1).key, "labels", "setLabel", args);
  }
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
