import { BlockcloudError } from "../protocol/errors.ts";

/** The error codes of payments, and what to do. */
export const cashierErrors = {
  /** The text of a price has an impossible value. */
  price: "PRICE_INVALID",
  /** A cap of the payer, or the tab's limit, does not allow the amount. */
  cap: "CASHIER_CAP",
  /** The payer's account, or its session key's limit, has too little left. */
  funds: "CASHIER_FUNDS",
  /** The payer cannot accept a quote. */
  quote: "CASHIER_QUOTE",
  /** The payer has nothing to pay with: no key, or another process uses its wallet. */
  wallet: "CASHIER_WALLET",
  /** A message of the other side has a wrong form. */
  message: "CASHIER_MESSAGE",
  /** The collector cannot accept a tab's authorization. */
  authorization: "CASHIER_AUTHORIZATION",
  /** The collector cannot accept a voucher. */
  voucher: "CASHIER_VOUCHER",
  /** The voucher begins above what the collector holds: a voucher of an earlier epoch was lost. */
  base: "CASHIER_BASE",
  /** The collector takes no vouchers of this grade now. */
  grade: "CASHIER_GRADE",
  /** The tab does not serve any more: it has expired, is closed, or could not be opened. */
  ended: "CASHIER_TAB_ENDED",
  /** The payer announced to close the tab. */
  closing: "CASHIER_TAB_CLOSING",
  /** The collector is at a limit. */
  busy: "CASHIER_BUSY",
  /** The chain could not be asked. */
  chain: "CASHIER_CHAIN",
} as const;

const REMEDIES: Record<keyof typeof cashierErrors, string> = {
  price: 'Give amounts of BLOC with their units, for example "0.002/MB|0.0001/request|0.01/hour".',
  cap: "Raise the cap if you want to pay more.",
  funds: "Deposit more BLOC: blockcloud cashier deposit.",
  quote: "Ask the provider, or use another service.",
  wallet: "Use one wallet in one process at a time.",
  message: "Tell the maintainers which software the other side runs.",
  authorization: "Ask for a new quote, and authorize a new tab.",
  voucher: "Take the collector's newest voucher, and sign the next one above it.",
  base: "Take the collector's newest voucher, and sign the next one from its amount on.",
  grade: "Pay without a grade, or with a lower one.",
  ended: "Ask for a new quote, and authorize a new tab.",
  closing: "Ask for a new quote, and authorize a new tab.",
  busy: "Try again later.",
  chain: "Try again; if that does not help, check the RPC endpoint.",
};
const RETRYABLE: readonly string[] = ["busy", "chain"];

/**
 * An error of a payment.
 *
 * @param message Names the value that was wrong.
 */
export function cashierError(
  name: keyof typeof cashierErrors,
  message: string,
  options: { cause?: unknown; remedy?: string } = {},
): BlockcloudError {
  return new BlockcloudError(cashierErrors[name], message, {
    cause: options.cause,
    remedy: options.remedy ?? REMEDIES[name],
    retryable: RETRYABLE.includes(name),
  });
}
