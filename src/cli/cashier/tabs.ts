import { formatEther, type Hex } from "viem";
import { readHoldings, type LivingTab } from "../../chain/cashier/tabs.ts";
import { readMoment } from "../../chain/views/contracts.ts";
import { parseServiceId } from "../../protocol/serviceId.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { state } from "../framework/commonFlags.ts";
import { table, utc } from "../show/format.ts";
import { payerArgument } from "./flags.ts";
import { WalletBooks, type SignedTab } from "./walletBooks.ts";

/** A tab for people and programs, BLOC in wei. */
interface ShownTab {
  tab: Hex;
  service: Hex;
  number: bigint;
  /** `Signed`: the wallet has authorized it, and no collector has opened it on chain. */
  state: "Signed" | "Open" | "Closing" | "Over";
  limit: bigint;
  redeemed: bigint;
  /** By the newest voucher; null for a tab of a wallet that is elsewhere. */
  signed: bigint | null;
  /** Last second of serving, or of redemption for a closing tab. Unix seconds. */
  endsAt: number;
  /** Unix seconds; null for a tab that is not on chain. */
  redeemableUntil: number | null;
}

/** `blockcloud cashier tabs` */
export const cashierTabs = chainCommand({
  args: { payer: payerArgument },
  flags: { state },
  examples: ["blockcloud cashier tabs 0x70997970C51812dc3A010C7d01b50e0d17dc79C8"],
  notes: `A tab reserves "limit" from the account when its collector opens it on chain, which it does when the sum that
it has not been paid is worth the gas. "signed" is what the wallet in the state folder has promised; "redeemed" is paid.
A tab that is "over" can be closed at once, with blockcloud cashier close.`,
  async run({ args: { payer }, flags, client, deployment, output, signal }) {
    const { number: block, timestamp } = await readMoment(client, deployment);
    const { tabs } = await readHoldings(client, deployment, { payer, block }, { signal });
    const books = WalletBooks.read(flags.state, deployment, payer);
    const shown = shownTabs(tabs, books.tabs, timestamp);
    const rows = shown.map((tab) => [
      ...[tab.number.toString(), tab.state.toLowerCase(), formatEther(tab.limit)],
      ...[tab.signed === null ? "" : formatEther(tab.signed), formatEther(tab.redeemed)],
      ...[utc(tab.endsAt), tab.tab],
    ]);
    const head = ["service", "state", "limit", "signed", "redeemed", "ends", "tab"];
    output.print(
      { payer, block, tabs: shown },
      rows.length === 0 ? "no tabs" : table(head, rows, [0, 2, 3, 4]),
    );
    return undefined;
  },
});

function shownTabs(
  living: readonly LivingTab[],
  signed: readonly SignedTab[],
  now: number,
): ShownTab[] {
  const own = new Map(signed.map((tab) => [tab.tab, tab]));
  const onChain = living.map((tab): ShownTab => {
    const { service, limit, redeemed, endsAt, redeemableUntil } = tab;
    return {
      ...{ tab: tab.tab, service, number: parseServiceId(service).prefix },
      state: redeemableUntil < now ? "Over" : tab.state,
      ...{ limit, redeemed, signed: own.get(tab.tab)?.signed ?? null },
      ...{ endsAt, redeemableUntil },
    };
  });
  const known = new Set(living.map(({ tab }) => tab));
  const waiting = signed
    .filter(({ tab, expiresAt }) => !known.has(tab) && expiresAt >= now)
    .map(({ tab, service, limit, signed: promised, expiresAt }): ShownTab => ({
      ...{
        tab,
        service,
        number: parseServiceId(service).prefix,
        state: "Signed",
        limit,
        redeemed: 0n,
      },
      ...{ signed: promised, endsAt: expiresAt, redeemableUntil: null },
    }));
  return [...waiting, ...onChain];
}
