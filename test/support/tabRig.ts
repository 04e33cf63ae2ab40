import type { RequestListener } from "node:http";
import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { parsePrice } from "../../src/cashier/price.ts";
import { registerTabScheme } from "../../src/client/x402/tabScheme.ts";
import { systemTimers } from "../../src/node/timers.ts";
import {
  createPayments,
  type PaymentsParts,
} from "../../src/provider/gateway/pay/createPayments.ts";
import type { Facilitator } from "../../src/provider/gateway/pay/facilitator.ts";
import type { PaymentOptions } from "../../src/provider/gateway/pay/options.ts";
import type { Payments } from "../../src/provider/gateway/pay/payments.ts";
import type { GatewayOptions } from "../../src/provider/gateway/options.ts";
import { DEPLOYMENT, FakeChain, FakeSender } from "./fakeChain.ts";
import { FakeCollector, FakePayer } from "./fakeTabs.ts";
import { MemoryLog } from "./memoryLog.ts";
import { PAY_TO } from "./payRig.ts";
import { KEY_HEX, ProviderRig } from "./providerRig.ts";

/** Offers no transfers. */
const noFacilitator: Facilitator = {
  isRemote: false,
  takes: () => Promise.resolve(false),
  verify: () => Promise.resolve(undefined),
  settle: () => Promise.resolve({ unsent: "none" }),
};

/** Priced gateways that are paid by tab, without a chain. */
export class TabRig {
  readonly log = new MemoryLog();
  readonly gateways = new ProviderRig();
  readonly collector: FakeCollector;
  /** Unix milliseconds. */
  now = 1_700_000_000_000;
  readonly #closing: (() => void)[] = [];
  readonly #options: PaymentOptions;

  constructor(price: string) {
    this.collector = new FakeCollector(parsePrice(price));
    this.#options = { price: parsePrice(price), payTo: PAY_TO, allowLoopback: true };
  }

  /** Starts a priced gateway before a new upstream; its URL. */
  async serve(
    listener: RequestListener,
    parts: Partial<PaymentsParts> = {},
    options: Partial<PaymentOptions> = {},
    gatewayOptions: Partial<GatewayOptions> = {},
  ): Promise<string> {
    const { url } = await this.gateways.upstream(listener);
    return this.serveBefore(url, parts, options, gatewayOptions);
  }

  /** Starts a priced gateway before an upstream; its URL. */
  async serveBefore(
    upstream: URL,
    parts: Partial<PaymentsParts> = {},
    options: Partial<PaymentOptions> = {},
    gatewayOptions: Partial<GatewayOptions> = {},
  ): Promise<string> {
    const payments = this.payments(parts, options);
    const gateway = await this.gateways.gateway(upstream, gatewayOptions, { payments });
    return `http://127.0.0.1:${gateway.address.port}`;
  }

  /** What takes the payments of a gateway. */
  payments(parts: Partial<PaymentsParts> = {}, options: Partial<PaymentOptions> = {}): Payments {
    const { payments, close } = createPayments(
      { ...this.#options, ...options },
      {
        ...{ deployment: DEPLOYMENT, serviceKey: KEY_HEX, storeFile: ":memory:" },
        ...{ client: new FakeChain().client, sender: new FakeSender().asSender, log: this.log },
        ...{ timers: systemTimers, now: () => this.now, collector: this.collector },
        facilitator: noFacilitator,
        ...parts,
      },
    );
    this.#closing.push(close);
    return payments;
  }

  async close(): Promise<void> {
    await this.gateways.close();
    for (const close of this.#closing.splice(0)) close();
  }
}

/** A wallet in memory. */
export function fakePayer(): FakePayer {
  return new FakePayer(`0x${"5c".repeat(32)}`);
}

/** An x402 client with the plugin. */
export function tabClient(payer: FakePayer): x402Client {
  return registerTabScheme(new x402Client(), payer, { token: DEPLOYMENT.contracts.token });
}

/** `fetch` that pays by tab, and notes the requests that it sends. */
export function tabFetch(payer: FakePayer): { fetch: typeof fetch; sent: Request[] } {
  const sent: Request[] = [];
  const noting: typeof fetch = (input, init) => {
    const request = new Request(input, init);
    sent.push(request.clone());
    return fetch(request);
  };
  return { fetch: wrapFetchWithPayment(noting, tabClient(payer)) as typeof fetch, sent };
}
