/** What the Cashier's views must answer if the recount is right. */
import { rootOf } from "./cashierHashes.ts";
import { redeemableUntil, type Tab } from "./cashierTabs.ts";
import { noting } from "./noting.ts";
import type { Replay } from "./replay.ts";

/** The states as the contract numbers them. */
const STATES = { open: 1, closing: 2, closed: 3 } as const;

/** Notes what the Cashier shows in the current epoch; the grades of the given epochs among it. */
export function noteCashier(replay: Replay, epochs: readonly number[], current: number): void {
  const note = noting(replay);
  const { cashier, registry } = replay;
  const { tabs, earnings, vouchers } = cashier;
  for (const [payer, free] of tabs.free) {
    const reserved = tabs.reservedOf(payer);
    const account = { 0: free + reserved, 1: reserved, 2: free };
    note({ what: "account", party: payer }, "cashier", "accountOf", [payer], account);
  }
  for (const tab of tabs.all) {
    const about = { what: "tab", party: `${tab.payer}, tab ${tab.id}` };
    note(about, "cashier", "tabOf", [tab.payer, tab.service, tab.id], shown(tab));
  }
  for (const { payer, signer, left, expiresAt } of tabs.sessions.values()) {
    const about = { what: "key of a payer", party: `${payer}, key ${signer}` };
    note(about, "cashier", "signerOf", [payer, signer], { 0: left, 1: expiresAt });
  }
  note({ what: "fees" }, "cashier", "fees", [], cashier.fees);
  for (const { number, firstEpoch, active } of registry.services.values()) {
    const service = rootOf(number);
    const party = `service ${number}`;
    const { earned, collected } = earnings.get(service) ?? { earned: 0n, collected: 0n };
    note({ what: "earned by use", party }, "cashier", "earnedOf", [service], earned);
    note({ what: "collected", party }, "cashier", "collectedOf", [service], collected);
    const fee = cashier.feeOf(earned);
    const divided = { 0: earned - fee, 1: fee };
    note({ what: "collectable", party }, "cashier", "collectableOf", [service], divided);
    for (const epoch of epochs.filter((each) => each >= firstEpoch)) {
      const isDecided = vouchers.isDecided(epoch, current) && active.at(epoch);
      const grade = isDecided ? vouchers.grade(number, epoch) : undefined;
      const answer = { 0: grade ?? 0, 1: grade !== undefined };
      const about = { what: "grade of vouchers", epoch, party };
      note(about, "cashier", "gradeOf", [service, epoch], answer);
    }
  }
}

/** The page says nothing of the times of a closed tab. */
function shown(tab: Tab) {
  const { state, signer, limit, redeemed, passed, endsAt } = tab;
  const times = state === "closed" ? {} : { endsAt, redeemableUntil: redeemableUntil(tab) };
  return { state: STATES[state], signer, limit, redeemed, passed, ...times };
}
