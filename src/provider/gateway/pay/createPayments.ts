import type { Hex } from "viem";
import type { TabCollector } from "../../../cashier/tabs.ts";
import type { ChainClient } from "../../../chain/client.ts";
import type { Deployment } from "../../../chain/deployment.ts";
import type { TransactionSender } from "../../../chain/transactions/sender.ts";
import type { Logger } from "../../../node/logger.ts";
import type { Timers } from "../../../node/timers.ts";
import { hexToBytes } from "../../../protocol/bytes.ts";
import { networkOfChain } from "../../../protocol/x402.ts";
import { Authorizations } from "./authorizations.ts";
import type { Facilitator } from "./facilitator.ts";
import type { Allowance } from "./freeTicket.ts";
import { LocalFacilitator } from "./localFacilitator.ts";
import { Offers } from "./offers.ts";
import { paymentSettings, type PaymentOptions } from "./options.ts";
import { Payments } from "./payments.ts";
import type { ExactAsset } from "./pricing.ts";
import { Reviewer, type ReviewObserver } from "./reviewer.ts";
import { RemoteFacilitator } from "./remoteFacilitator.ts";
import { Settler } from "./settler.ts";
import { PaymentStore } from "./store.ts";

/** How long a payment is kept after its authorization has expired, seconds: a block is confirmed by then. */
const KEEP_S = 3_600;
const KEEP_S_FOR_A_CONFIRMATION = 60;

export interface PaymentsParts {
  deployment: Deployment;
  /** Signs receipts; the key of the offers is derived from it. */
  serviceKey: Hex;
  /** Shared by all gateways with the same payee. */
  storeFile: string;
  /** The provider's own RPC endpoint. */
  client: ChainClient;
  /** Settles, unless a facilitator is named. */
  sender: Pick<TransactionSender, "send" | "gasPrice">;
  collector?: TabCollector | undefined;
  allowance?: Allowance | undefined;
  /** The chain's time, Unix milliseconds. */
  now(): number;
  timers: Timers;
  log: Logger;
  observer?: ReviewObserver | undefined;
  /** In the place of the one that the options name. */
  facilitator?: Facilitator;
}

/**
 * Builds what takes the payments of a priced service over HTTP.
 *
 * @returns The payments; the review of those that were settled; how many are not; and what closes their store.
 * @throws BlockcloudError `PAYMENT_OPTIONS`, or if the store cannot be opened.
 */
export function createPayments(
  options: PaymentOptions,
  parts: PaymentsParts,
): { payments: Payments; review: Reviewer; pending(): number; close(): void } {
  const { deployment, client, sender, timers, log, collector, allowance } = parts;
  const settings = paymentSettings(options, deployment.contracts.cashier);
  const { price, coin, weiPerBloc = 0n, payTo, maxTimeoutSeconds, allowLoopback } = settings;
  const { maxPayments, maxPaymentsPerPayer, maxPending, maxPendingPerPayer } = settings;
  const now = () => parts.now() / 1000;
  const monotonic = () => timers.monotonic();
  const network = networkOfChain(deployment.chainId);
  const bloc: ExactAsset = {
    ...{ address: deployment.contracts.token, name: "Blockcloud", version: "1", decimals: 18 },
    ...{ perRequest: price.perRequest, perMegabyte: price.perByte * 1_000_000n },
    weiPerToken: weiPerBloc,
  };
  const maxBytes = settings.maxAnswerBytes;
  const bounds = { maxPayments, maxPaymentsPerPayer, maxBytes, maxPending, maxPendingPerPayer };
  const store = new PaymentStore(parts.storeFile, bounds);
  const books = new Authorizations(client, deployment.confirmations);
  const facilitator =
    parts.facilitator ??
    (settings.facilitator === undefined
      ? new LocalFacilitator(sender, monotonic)
      : new RemoteFacilitator(settings.facilitator, network, monotonic));
  const settler = new Settler(facilitator, { books, timers, log });
  const keepSeconds = Math.max(KEEP_S, deployment.confirmations * KEEP_S_FOR_A_CONFIRMATION);
  const payments = new Payments(
    {
      ...{ network, payTo, maxTimeoutSeconds, allowLoopback, token: bloc.address },
      assets: coin === undefined ? [bloc] : [coin, bloc],
      keepSeconds,
    },
    {
      ...{ store, books, facilitator, now, monotonic, log, collector, allowance },
      settler,
      offers: new Offers(hexToBytes(parts.serviceKey), settings.offerSeconds, now),
    },
  );
  const { observer = { vanished() {}, lost() {} } } = parts;
  const review = new Reviewer(
    // A row is gone when it is kept no more.
    { finalSeconds: keepSeconds / 2 },
    { store, books, settler, observer, now, timers, log },
  );
  return {
    payments,
    review,
    pending: () => store.pending(now()),
    close: () => {
      store.close();
    },
  };
}
