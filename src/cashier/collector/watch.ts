import { readEach } from "../../chain/views/contracts.ts";
import type { Timers } from "../../node/timers.ts";
import { cashierError } from "../errors.ts";
import type { CollectorChain } from "./chain.ts";
import type { Collector } from "./collector.ts";
import type { DueMoment } from "./due.ts";
import type { CollectedTab } from "./tab.ts";

/** Tabs read in a round: with a round a minute, 20,000 tabs are read in 3.5 hours, of 24 after an announced closing. */
const LOOKS = 96;
/** A tab is opened this long before its `openBy`, seconds. */
const LAPSE_S = 3_600;

/** Follows the tabs of a collector on chain and in time. */
export class TabWatch {
  readonly #d: { collector: Collector; chain: CollectorChain; timers: Timers };

  constructor(dependencies: { collector: Collector; chain: CollectorChain; timers: Timers }) {
    this.#d = dependencies;
  }

  /**
   * Reads the tabs that were not read for longest, and ends those whose time is over.
   *
   * @param all Reads all tabs, as after a start: until then what they owe counts as unsecured.
   */
  async look({ now }: DueMoment, all = false): Promise<void> {
    const { collector, chain, timers } = this.#d;
    const oldest = [...collector.tabs].sort((a, b) => a.lookedAt - b.lookedAt);
    try {
      await readEach(all ? oldest : oldest.slice(0, LOOKS), async (tab) => {
        tab.see(await chain.tabOf(tab));
        tab.lookedAt = timers.monotonic();
      });
    } finally {
      for (const tab of collector.tabs) endIfOver(tab, now);
    }
  }

  /** Tabs with vouchers that soon cannot be opened or raised any more, although that is needed to redeem them. */
  lapsing({ now }: DueMoment): CollectedTab[] {
    return [...this.#d.collector.tabs].filter((tab) => {
      const { view, best, ended, opening } = tab;
      if (view === undefined || best <= view.redeemed || ended !== undefined) return false;
      if (now <= opening.authorization.openBy - LAPSE_S) return false;
      const isShort = best > view.limit || now > view.endsAt - LAPSE_S;
      return view.state === "None" || (tab.isRaised && isShort);
    });
  }

  /** Tabs that serve no more and pay no more. */
  over({ now }: DueMoment): CollectedTab[] {
    return [...this.#d.collector.tabs].filter((tab) => {
      const { view } = tab;
      if (view === undefined) return false;
      if (view.state === "Closed") return true;
      if (view.state === "None") {
        // One that was used can still be authorized again.
        return now > tab.opening.authorization.openBy && (tab.isUnused || now > tab.expiresAt);
      }
      if (now <= tab.expiresAt && view.state !== "Closing") return false;
      // The payer may still pay what it owes.
      const isSettled = tab.best <= view.redeemed && tab.charged <= tab.paid;
      return now > view.redeemableUntil || isSettled;
    });
  }
}

function endIfOver(tab: CollectedTab, now: number): void {
  const { openBy } = tab.opening.authorization;
  if (tab.isRaised && tab.view !== undefined && now > openBy) tab.confine(tab.view);
  if (now > tab.expiresAt) tab.end(cashierError("ended", `Tab ${tab.tab} has expired.`));
  if (tab.view?.state !== "None" || now <= openBy) return;
  tab.end(
    cashierError("ended", `Tab ${tab.tab} was not opened by ${openBy}.`, {
      remedy: "Authorize the tab again, with a later time.",
    }),
  );
}
