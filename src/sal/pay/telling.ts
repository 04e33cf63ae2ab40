import { priceText, type Use } from "../../cashier/price.ts";
import type { Quote } from "../../cashier/quote.ts";
import type { CollectorTab } from "../../cashier/tabs.ts";
import type { BlockcloudError } from "../../protocol/errors.ts";
import { salError } from "../errors.ts";
import { compactVoucher } from "./fields.ts";
import { encodeQuote, NO_TAB, QuoteKind, type StateKind } from "./quoteFrame.ts";

/** A QUOTE that says how a tab stands; without a tab it is a warning. */
export function stateOf(
  kind: StateKind,
  tab: CollectorTab | undefined,
  { use, tranche, graceMs }: { use: Use; tranche: bigint; graceMs: number },
): Buffer {
  const isNewest = kind === QuoteKind.prove || kind === QuoteKind.opened;
  const last = isNewest ? tab?.last : undefined;
  return encodeQuote({
    kind,
    tab: tab?.tab ?? NO_TAB,
    use,
    charged: tab?.charged ?? 0n,
    paid: tab?.paid ?? 0n,
    tranche,
    graceMs: kind === QuoteKind.warning ? graceMs : 0,
    last: last === undefined ? undefined : compactVoucher(last),
  });
}

/**
 * Why flows end unpaid.
 *
 * @param why By default what is due.
 */
export function unpaid(
  { price }: Quote,
  tab: CollectorTab | undefined,
  why = tab === undefined
    ? "the free allowance is used up"
    : `${tab.charged - tab.paid} wei are due`,
): BlockcloudError {
  return salError("unpaid", `The service costs ${priceText(price)} BLOC, and ${why}.`);
}
