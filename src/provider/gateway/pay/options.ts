import type { Address } from "viem";
import { priceText, type Price } from "../../../cashier/price.ts";
import { BlockcloudError } from "../../../protocol/errors.ts";
import type { ExactAsset } from "./pricing.ts";

/** How a service is paid over HTTP. All fields after `payTo` have a default. */
export interface PaymentOptions {
  /** In BLOC: by tab, and by transfers. A price by time is for flows of the SAL. */
  price: Price;
  /** Receives transfers: never the Cashier, which would credit no account. */
  payTo: Address;
  /** The network's stablecoin, if it is offered: clients take it without configuration. */
  coin?: ExactAsset | undefined;
  /** What one BLOC is worth, wei of ether; needed to settle transfers of BLOC in this process. */
  weiPerBloc?: bigint | undefined;
  /** Settles transfers; default: this process, with the wallet's key. */
  facilitator?: URL | undefined;
  /** How long an authorization to pay may be valid, seconds, 60 at most. */
  maxTimeoutSeconds?: number;
  /** How long an offer holds, seconds. */
  offerSeconds?: number;
  /** Offers and payments over plain HTTP from this host, for a devnet. */
  allowLoopback?: boolean;
  /** Payments that are kept. */
  maxPayments?: number;
  /** Of them, those of one payer. */
  maxPaymentsPerPayer?: number;
  /** Kept answers, bytes. */
  maxAnswerBytes?: number;
  /** Transfers that are not settled yet, of all payers and of one. */
  maxPending?: number;
  maxPendingPerPayer?: number;
}

/** Options with all defaults filled in. */
export type PaymentSettings = Readonly<
  Required<Omit<PaymentOptions, "coin" | "facilitator" | "weiPerBloc">> &
    Pick<PaymentOptions, "coin" | "facilitator" | "weiPerBloc">
>;

const DEFAULTS = {
  maxTimeoutSeconds: 60,
  offerSeconds: 300,
  maxPayments: 200_000,
  maxPaymentsPerPayer: 100_000,
  maxAnswerBytes: 256 * 1024 * 1024,
  maxPending: 256,
  maxPendingPerPayer: 16,
};
const LONGEST_TIMEOUT_S = 60;
const LONGEST_OFFER_S = 3_600;

/**
 * Fills in the defaults.
 *
 * @throws BlockcloudError `PAYMENT_OPTIONS`.
 */
export function paymentSettings(options: PaymentOptions, cashier: Address): PaymentSettings {
  const settings = { ...DEFAULTS, allowLoopback: false, ...options };
  const { price, payTo, maxTimeoutSeconds, offerSeconds, coin } = settings;
  if (payTo.toLowerCase() === cashier.toLowerCase()) {
    throw invalid(`payTo is the Cashier, ${cashier}`, "Give an address of your own.");
  }
  if (price.perByte + price.perRequest === 0n && coin === undefined) {
    throw invalid(
      `the price ${priceText(price)} asks nothing of an HTTP request`,
      "Give an amount for a request or for bytes.",
    );
  }
  if (!(maxTimeoutSeconds >= 10 && maxTimeoutSeconds <= LONGEST_TIMEOUT_S)) {
    throw invalid(`maxTimeoutSeconds is ${maxTimeoutSeconds}`, "Give 10 to 60 seconds.");
  }
  if (!(offerSeconds >= 10 && offerSeconds <= LONGEST_OFFER_S)) {
    throw invalid(`offerSeconds is ${offerSeconds}`, "Give 10 to 3600 seconds.");
  }
  for (const name of [
    "maxPayments",
    "maxPaymentsPerPayer",
    "maxAnswerBytes",
    "maxPending",
    "maxPendingPerPayer",
  ] as const) {
    if (Number.isSafeInteger(settings[name]) && settings[name] > 0) continue;
    throw invalid(`${name} is ${settings[name]}`, "Give a whole number above 0.");
  }
  return settings;
}

function invalid(what: string, remedy: string): BlockcloudError {
  return new BlockcloudError("PAYMENT_OPTIONS", `The payment options are wrong: ${what}.`, {
    remedy,
  });
}
