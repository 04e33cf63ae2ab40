import path from "node:path";
import type { Hex } from "viem";
import { FreeAllowance } from "../../cashier/allowance.ts";
import type { HeldAmounts, SharedCollector } from "../../cashier/shared/sharedCollector.ts";
import { deploymentTag } from "../../chain/deployment.ts";
import { inOrder, type Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import { epochAt } from "../../protocol/epoch.ts";
import type { Pricing } from "../../sal/pay/till.ts";
import { createPayments } from "../gateway/pay/createPayments.ts";
import type { Payments } from "../gateway/pay/payments.ts";
import type { Collectors, CollectorsDependencies } from "./collectors.ts";
import type { ServicePayMetrics } from "./metrics.ts";
import type { PaySettings } from "./settings.ts";

/** What takes the payments of a service. */
export interface ServicePay {
  /** For flows of the SAL. */
  readonly pricing: Pricing;
  /** For HTTP; undefined if the price asks nothing of a request. */
  readonly payments: Payments | undefined;
  /** Redeems, collects and closes tabs; needs the chain. */
  readonly tasks: Startable;
  /** The tabs, whichever process keeps their books. */
  readonly books: SharedCollector;
  /** Writes the books, and closes them: another process keeps them from now on. */
  giveUp(held: () => HeldAmounts): Promise<void>;
  /** After the gateway has closed. */
  close(): Promise<void>;
}

/**
 * Builds what takes the payments of a service.
 *
 * @param service.isHttp Whether it takes payments over HTTP; default true.
 * @throws BlockcloudError `PAYMENT_OPTIONS`, `CASHIER_ALLOWANCE`, or if a store cannot be opened.
 */
export function createPay(
  service: { number: bigint; serviceKey: Hex; pay: PaySettings; isHttp?: boolean },
  shared: CollectorsDependencies & { collectors: Collectors },
  log: Logger,
  metrics?: ServicePayMetrics,
): ServicePay {
  const { number, serviceKey, pay, isHttp = true } = service;
  const { deployment, client, sender, timers, now, stateDir } = shared;
  const { price, coin, facilitator, allowLoopback = false, payTo = sender.address } = pay;
  const allowance = new FreeAllowance(pay.allowance ?? {}, () => epochAt(deployment, now() / 1000));
  const taken = shared.collectors.take(number, pay, log, metrics);
  const { collector, shared: books } = taken;
  const asksHttp = isHttp && (price.perByte + price.perRequest > 0n || coin !== undefined);
  const http = asksHttp
    ? createPayments(
        {
          ...{ price, payTo, coin, facilitator, allowLoopback, weiPerBloc: pay.blocPriceWei },
          ...(pay.maxPayments !== undefined && { maxPayments: pay.maxPayments }),
          ...(pay.maxPaymentsPerPayer !== undefined && {
            maxPaymentsPerPayer: pay.maxPaymentsPerPayer,
          }),
        },
        {
          ...{ deployment, serviceKey, client, sender, allowance, now, timers, log },
          collector: books,
          observer: metrics,
          storeFile: path.join(stateDir, `payments-${payTo}-${deploymentTag(deployment)}.sqlite`),
        },
      )
    : undefined;
  const unwatch = metrics?.watch(() => ({
    ...{ tabs: collector.size, exposure: collector.exposure.total },
    ...{ exposureLimit: collector.exposure.limit, waiting: collector.grades.waiting },
    pending: http?.pending() ?? 0,
  }));
  return {
    pricing: { collector: books, allowance, limits: pay.limits },
    books,
    giveUp: (held) => taken.giveUp(held),
    payments: http?.payments,
    tasks: inOrder(
      { start: () => collector.start(), stop: () => Promise.resolve() },
      taken.redeemer(pay, log),
      ...(http === undefined ? [] : [http.review]),
    ),
    close: async () => {
      unwatch?.();
      await taken.release();
      http?.close();
    },
  };
}

/** Flows are charged until the front has closed; it may be stopped without having been started. */
export function closedAfter(front: Startable, pay: Pick<ServicePay, "close">): Startable {
  return {
    start: () => front.start(),
    stop: async () => {
      try {
        await front.stop();
      } finally {
        await pay.close();
      }
    },
  };
}
