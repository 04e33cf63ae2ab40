import { isAddressEqual, toHex, type Address, type Hex } from "viem";
import {
  decodeTabOffer,
  decodeTabState,
  encodeTabPayment,
  type TabState,
} from "../../cashier/tabPayment.ts";
import { cashierError, cashierErrors } from "../../cashier/errors.ts";
import type { Quote } from "../../cashier/quote.ts";
import type { PayerTab, TabPayer } from "../../cashier/tabs.ts";
import { networkOfChain, TAB_SCHEME } from "../../protocol/x402.ts";
import { OpenRequests } from "./openRequests.ts";

/** A chain in CAIP-2, as x402 writes it. */
export type X402Network = `${string}:${string}`;

/** What an x402 client hands to a scheme. */
export interface X402Requirements {
  scheme: string;
  network: X402Network;
  amount: string;
  asset: string;
  payTo: string;
  maxTimeoutSeconds: number;
  extra: Record<string, unknown>;
}

/** What an x402 client tells a scheme after a paid request. */
export interface X402PaymentResponse {
  paymentPayload: { payload: Record<string, unknown>; accepted: X402Requirements };
  settleResponse?: {
    success: boolean;
    errorReason?: string;
    extra?: Record<string, unknown>;
  };
}

/** The part of `x402Client` that is used. */
export interface X402Client {
  register(network: X402Network, scheme: TabScheme): unknown;
}

export interface TabSchemeOptions {
  /** BLOC on the wallet's chain: the client counts it as known, with its own cap on a payment. */
  token: Address;
  /** The least grade for which the payer pays; default 0, for any. */
  minGrade?: number;
  /** The most that a response may cost if it is longer than its offer covers, BLOC in wei; default 1 BLOC. */
  mostDue?: bigint;
  /** A monotonic clock, milliseconds. */
  monotonic?: () => number;
}

/** A window of two tranches in offers: a tranche has 16 requests and 1 MiB, an offer one request and 1 MiB. */
const WINDOW_OFFERS = 32n;
/** The default of `mostDue`: the client's own limit of a payment in this scheme, 1 BLOC. */
const MOST_DUE = 10n ** 18n;
/** Offers whose true price is remembered. */
const MAX_DUE = 1_000;
/** Reasons for which the collector does not know the tab: it gets the authorization again. */
const UNKNOWN_TAB = ["tab_unknown", cashierErrors.authorization.toLowerCase()];
/** Reasons for which the tab is over: the next payment opens another one. */
const ENDED_TAB = [cashierErrors.ended.toLowerCase(), cashierErrors.closing.toLowerCase()];

/** The collector lacks a voucher of an earlier epoch: the payer takes what the collector has, and signs again. */
const LOST_VOUCHER = cashierErrors.base.toLowerCase();

/** A tab as this process uses it. */
interface Account {
  readonly tab: PayerTab;
  /** What the collector has told that is due, as far as it is believed. */
  charged: bigint;
  /** The most that can have been due when this process began to use the tab: flows of the SAL pay afterwards. */
  readonly mostBefore: bigint;
  /** The next voucher is above this one, which others may know. */
  floor: bigint;
  /** Signature of the authorization that the collector has. */
  known: Hex | undefined;
  readonly open: OpenRequests;
}

/**
 * The scheme `blockcloud-tab` for `@x402/core`'s client: pays requests by vouchers of a tab, without a transaction.
 * The wallet opens tabs, keeps vouchers on disk, and enforces the caps.
 *
 * @example
 * const client = new x402Client();
 * registerTabScheme(client, wallet, { token });
 * const payingFetch = wrapFetchWithPayment(fetch, client);
 */
export class TabScheme {
  readonly scheme = TAB_SCHEME;
  readonly schemeHooks = {
    onPaymentResponse: (context: X402PaymentResponse) => this.#told(context),
  };
  readonly #payer: TabPayer;
  readonly #options: TabSchemeOptions;
  readonly #accounts = new Map<Hex, Account>();
  /** What an answer costs beyond its offer, by the offer's token. */
  readonly #due = new Map<string, bigint>();

  constructor(payer: TabPayer, options: TabSchemeOptions) {
    this.#payer = payer;
    this.#options = options;
  }

  /** BLOC is an asset that the client knows: its cap of one unit a payment is 1 BLOC then. */
  readonly findDefaultAsset = (asset: string) => {
    const { token } = this.#options;
    if (asset.toLowerCase() !== token.toLowerCase()) return undefined;
    return { asset: token, decimals: 18, symbol: "BLOC" };
  };

  /**
   * Signs a voucher that covers the request beside all that is due and all that is under way.
   *
   * @throws BlockcloudError `CASHIER_CAP`, `CASHIER_FUNDS`, `CASHIER_QUOTE`, `CASHIER_CHAIN`, `CASHIER_MESSAGE`.
   */
  async createPaymentPayload(x402Version: number, requirements: X402Requirements) {
    const { quote, state } = decodeTabOffer(requirements.extra);
    checkOffer(requirements, quote, this.#options.token);
    const { minGrade } = this.#options;
    const tab = await this.#payer.tabFor(quote, { ...(minGrade !== undefined && { minGrade }) });
    const account = this.#accountOf(tab, BigInt(requirements.amount));
    this.#learn(account, state);
    const requestId = toHex(crypto.getRandomValues(new Uint8Array(32)));
    const amount = this.#due.get(offerOf(requirements)) ?? BigInt(requirements.amount);
    account.open.add(requestId, amount);
    try {
      const due = account.charged + account.open.sum;
      const voucher = await tab.pay(due > account.floor ? due : account.floor + 1n);
      const { authorization, signature, salt } = tab;
      const isKnown = account.known === signature;
      const opening = isKnown ? undefined : { authorization, signature, salt };
      return { x402Version, payload: encodeTabPayment({ opening, voucher, requestId }) };
    } catch (error) {
      account.open.end(requestId);
      throw error;
    }
  }

  /** Takes what the collector tells, and lets the client try once more if that may help. */
  async #told({
    paymentPayload,
    settleResponse,
  }: X402PaymentResponse): Promise<undefined | { recovered: true }> {
    await Promise.resolve();
    const { payload, accepted } = paymentPayload;
    const { voucher, requestId, authorization } = payload as {
      voucher: { voucher: { tab: Hex } };
      requestId: Hex;
      authorization?: { signature: Hex };
    };
    const account = this.#accounts.get(voucher.voucher.tab);
    if (account === undefined) return undefined;
    account.open.end(requestId);
    if (settleResponse === undefined) return undefined;
    const { success, errorReason = "", extra } = settleResponse;
    const state = extra && decodeTabState(extra);
    if (state !== undefined) this.#learn(account, state);
    if (success) {
      account.known = authorization?.signature ?? account.known;
      return undefined;
    }
    if (UNKNOWN_TAB.includes(errorReason)) {
      account.known = undefined;
      return { recovered: true };
    }
    if (ENDED_TAB.includes(errorReason)) {
      account.tab.end();
      this.#accounts.delete(account.tab.tab);
      return { recovered: true };
    }
    if (errorReason === "voucher_public") {
      // Its answer shows the newest voucher only if that is public, too.
      account.floor = account.tab.cumulative;
      return { recovered: true };
    }
    // What the collector holds is complete only if nothing is under way, or if it says so.
    const isLost = errorReason === LOST_VOUCHER;
    if (state?.tab === account.tab.tab && (isLost || account.open.sum === 0n)) {
      account.tab.recover(state.last);
    }
    if (isLost) return { recovered: true };
    if (errorReason !== "voucher_low") return undefined;
    this.#remember(offerOf(accepted), extra?.due);
    return { recovered: true };
  }

  #accountOf(tab: PayerTab, amount: bigint): Account {
    const known = this.#accounts.get(tab.tab);
    if (known?.tab === tab) return known;
    const { monotonic = () => performance.now() } = this.#options;
    const account: Account = {
      ...{ tab, charged: known?.charged ?? 0n, known: known?.known },
      mostBefore: tab.cumulative + WINDOW_OFFERS * amount,
      floor: known?.floor ?? -1n,
      open: new OpenRequests(monotonic),
    };
    this.#accounts.set(tab.tab, account);
    return account;
  }

  #learn(account: Account, { tab, charged }: TabState): void {
    if (tab !== account.tab.tab) return;
    // A request runs when vouchers cover it, so no more than they cover can be due for requests of this process.
    const { cumulative } = account.tab;
    const most = cumulative > account.mostBefore ? cumulative : account.mostBefore;
    const believed = charged < most ? charged : most;
    if (believed > account.charged) account.charged = believed;
  }

  #remember(offer: string, due: unknown): void {
    if (typeof due !== "string" || !/^\d{1,29}$/.test(due)) return;
    const { mostDue = MOST_DUE } = this.#options;
    // The client has applied its own limit to the offer, not to this.
    if (BigInt(due) > mostDue) return;
    this.#due.set(offer, BigInt(due));
    const [oldest] = this.#due.keys();
    if (this.#due.size > MAX_DUE && oldest !== undefined) this.#due.delete(oldest);
  }
}

/**
 * Lets an x402 client pay by tab.
 *
 * @param network Default: every chain of Ethereum's kind; the wallet refuses quotes of other chains.
 * @returns The client.
 * @example
 * registerTabScheme(new x402Client(), wallet, { token: deployment.contracts.token });
 */
export function registerTabScheme<C extends X402Client>(
  client: C,
  payer: TabPayer,
  options: TabSchemeOptions & { network?: X402Network },
): C {
  client.register(options.network ?? "eip155:*", new TabScheme(payer, options));
  return client;
}

/** The offer's outer fields must say what its quote says: the client has checked only the outer ones. */
function checkOffer(offer: X402Requirements, quote: Quote, token: Address): void {
  const { network, asset, payTo } = offer;
  const isRight =
    network === networkOfChain(quote.chainId) &&
    isAddressEqual(asset as Address, token) &&
    isAddressEqual(payTo as Address, quote.collector);
  if (isRight) return;
  throw cashierError("quote", `The offer of ${payTo} on ${network} contradicts its own quote.`);
}

function offerOf({ extra }: X402Requirements): string {
  return String(extra.offer);
}
