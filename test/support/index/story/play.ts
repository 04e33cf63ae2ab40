import type { Grade } from "../../../../src/protocol/tally.ts";
import { FIRST } from "../../auditedChain.ts";
import { stranger, type IndexedStory } from "../story.ts";
import { change } from "./changes.ts";
import { oddRounds } from "./oddRounds.ts";
import { payLater, payMore } from "./payments.ts";
import { askForProof, closing, crowd, kinds, reuseSlots, turnOver } from "./services.ts";

/** An epoch whose entries in the contracts' rings were those of an epoch with a seed. */
const RING_LATER = 256 + 44;

/** 50 epochs in which nearly everything happens that an index counts. */
export async function play(story: IndexedStory) {
  const { chain } = story;
  await kinds(story);
  const grades = (epoch: number, auditor: number) =>
    ({ 1: 3, 2: ((epoch + auditor) % 4) as Grade, 3: 0 }) as const;
  await story.audit(14, grades, async (index) => {
    if (index === 5) await story.raiseStake(0, [6_000, 2_000]);
  });
  await story.send(stranger.key, "settlement", "suspend", [3n, story.epoch - 2]);
  await chain.own(3, "reinstate", [3n]);
  await story.challenge(2n);
  await chain.own(2, "reinstate", [2n]);
  await change(story);
  await story.pay();
  await payMore(story);
  await story.unrevealed();
  await story.settle();
  await story.payAuditors();
  await crowd(story);
  await story.audit(4, (epoch, auditor) =>
    auditor === 0 ? { 1: 2, 3: 1, 16: 3 } : { 1: 3, 2: 2, 3: (epoch % 3) as Grade, 4: 1 },
  );
  await oddRounds(story);
  await turnOver(story);
  await askForProof(story);
  await closing(story, { revoke: true });
  while (story.epoch < FIRST + 50) await story.advance(1);
  await story.settle([1n, 2n, 3n, 4n, 16n]);
  await story.payAuditors();
}

/** What happens only once the contracts' rings have gone round, or on another day. */
export async function playOn(story: IndexedStory) {
  await story.chain.enter((story.epoch = RING_LATER));
  await reuseSlots(story);
  await payLater(story);
  await closing(story, { revoke: false });
}
