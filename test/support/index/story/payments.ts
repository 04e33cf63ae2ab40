import { devKey } from "../../../../devnet/devnet.ts";
import { keyIndex } from "../../../../devnet/stage.ts";
import { Payer, spoiled, type SignedTab } from "../../payer.ts";
import { bloc, owner, rootIdOf, stranger, type IndexedStory } from "../story.ts";

const DAY = 86_400;
/** An epoch that is a day after the first payments. */
const DAY_LATER = 430;
/** A key that opens tabs for the second payer. */
const session = devKey(keyIndex.payer).key;

/** A second payer, for whom another deposits, whose tabs a session key opens, and who pays three services. */
export async function payMore(story: IndexedStory) {
  const { chain } = story;
  const payer = new Payer(owner(3).key, chain.deployment);
  const [payee, other] = [owner(2), owner(1)];
  await story.approve(stranger.key, "cashier", 400);
  await story.send(stranger.key, "cashier", "depositFor", [payer.address, bloc(250)]);
  await story.send(stranger.key, "cashier", "deposit", [bloc(40)]);
  const now = Number((await chain.client.getBlock()).timestamp);
  const by = devKey(keyIndex.payer);
  await story.send(payer.key, "cashier", "authorizeSigner", [by.address, bloc(9), now + DAY]);
  await story.send(payer.key, "cashier", "authorizeSigner", [by.address, bloc(90), now + 2 * DAY]);
  await story.send(payer.key, "cashier", "authorizeSigner", [stranger.address, bloc(3), now + DAY]);
  await story.send(payer.key, "cashier", "revokeSigner", [stranger.address]);
  await story.send(payer.key, "cashier", "authorizeSigner", [stranger.address, bloc(4), now + DAY]);
  const open = (key: `0x${string}`, each: SignedTab) =>
    story.send(key, "cashier", "openTab", [each.terms, each.salt, each.signature]);
  const terms = { now, limit: bloc(50), lastsS: 3 * DAY };
  const first = payer.tab(2n, payee.address, { ...terms, by: session });
  const second = payer.tab(1n, other.address, terms);
  const third = payer.tab(1n, other.address, { ...terms, lastsS: 600 });
  await open(payee.key, first);
  await open(other.key, second);
  await open(other.key, third);
  await open(payee.key, payer.tab(2n, payee.address, { ...terms, limit: bloc(1) }));
  // It lasts longer and has no higher limit.
  await open(other.key, payer.tab(1n, other.address, { ...terms, lastsS: 4 * DAY, of: second }));
  await story.send(payee.key, "cashier", "redeem", [payer.voucher(first, bloc(20))]);
  await story.send(other.key, "cashier", "redeemBatch", [
    [
      payer.voucher(second, bloc(11)),
      spoiled(payer.voucher(third, bloc(2))),
      payer.voucher(third, bloc(60)),
      payer.voucher(third, bloc(5)),
    ],
  ]);
  await story.send(payer.key, "cashier", "collect", [rootIdOf(1n)]);
  await story.send(payer.key, "cashier", "withdraw", [bloc(1)]);
  await story.approve(stranger.key, "rewardPool", 5);
  await story.send(stranger.key, "rewardPool", "contribute", [bloc(5)]);
  more.set(story, { payer, first, second });
}

const more = new WeakMap<IndexedStory, { payer: Payer; first: SignedTab; second: SignedTab }>();

/** Payments of another day, and tabs that are over. */
export async function payLater(story: IndexedStory) {
  const { chain } = story;
  const { payer, first, second } = more.get(story)!;
  await chain.enter((story.epoch = DAY_LATER));
  await story.send(owner(2).key, "cashier", "redeem", [payer.voucher(first, bloc(31))]);
  await story.send(owner(1).key, "cashier", "redeem", [payer.voucher(second, bloc(16))]);
  await story.send(stranger.key, "cashier", "collect", [rootIdOf(2n)]);
  await story.send(stranger.key, "cashier", "forwardFees");
  const [closing] = story.tabs;
  const { service, tab } = closing!.terms;
  await story.send(owner(2).key, "cashier", "closeTab", [story.payer.address, service, tab]);
  await story.send(payer.key, "cashier", "announceClosing", [
    ...[second.terms.service, second.terms.tab],
  ]);
  await story.send(stranger.key, "cashier", "withdraw", [bloc(2)]);
}
