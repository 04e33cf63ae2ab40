import type { RequestListener } from "node:http";
import path from "node:path";
import { ExactEvmScheme } from "@x402/evm";
import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { decodePaymentResponseHeader } from "@x402/core/http";
import { erc20Abi, parseEther, type Address, type Hex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { devKey } from "../../devnet/devnet.ts";
import { parsePrice } from "../../src/cashier/price.ts";
import type { TabCollector } from "../../src/cashier/tabs.ts";
import { TransactionSender } from "../../src/chain/transactions/sender.ts";
import { systemTimers } from "../../src/node/timers.ts";
import {
  decodeField,
  type PaymentRequired,
  type PaymentResponse,
} from "../../src/protocol/x402.ts";
import {
  createPayments,
  type PaymentsParts,
} from "../../src/provider/gateway/pay/createPayments.ts";
import type { PaymentOptions } from "../../src/provider/gateway/pay/options.ts";
import type { ExactAsset } from "../../src/provider/gateway/pay/pricing.ts";
import { CliRig, parts } from "./cliRig.ts";
import { MemoryLog } from "./memoryLog.ts";
import { KEY_HEX, ProviderRig } from "./providerRig.ts";
import { deployStandInCoin } from "./standInCoin.ts";

/** Pays. */
export const buyer = parts.wallet;
/** Settles, and is paid. */
export const seller = devKey(7);
export const PAY_TO: Address = `0x${"ab".repeat(20)}`;
export const PRICE = "0.01/request";

/** A priced gateway on the embedded chain, and unmodified x402 clients. */
export class PayRig {
  readonly chain: CliRig;
  readonly coin: ExactAsset;
  readonly log = new MemoryLog();
  readonly #gateways = new ProviderRig();
  readonly #closing: (() => void)[] = [];
  /** Counts the stores, one for each payee. */
  #stores = 0;

  private constructor(chain: CliRig, coin: Address) {
    this.chain = chain;
    this.coin = {
      ...{ address: coin, name: "USD Coin", version: "2", decimals: 6 },
      ...{ perRequest: 1_000n, perMegabyte: 0n },
      weiPerToken: parseEther("0.5"),
    };
  }

  static async start(): Promise<PayRig> {
    const chain = await CliRig.start();
    const coin = await deployStandInCoin(chain.devnet.rpcUrl, chain.client, devKey(0).key);
    await chain.send(devKey(0).key, coin, erc20Abi, "transfer", [buyer.address, 1_000_000_000n]);
    return new PayRig(chain, coin);
  }

  async stop(): Promise<void> {
    await this.close();
    await this.chain.stop();
  }

  /** Stops the gateways. */
  async close(): Promise<void> {
    await this.#gateways.close();
    for (const close of this.#closing.splice(0)) close();
  }

  /** A new store's file, for gateways that share it. */
  storeFile(): string {
    this.#stores += 1;
    return path.join(this.chain.folder, `payments-${this.#stores}.sqlite`);
  }

  get sender(): TransactionSender {
    const { rpcUrl, deployment } = this.chain.devnet;
    return new TransactionSender(
      { rpcUrls: [rpcUrl], chainId: deployment.chainId, key: seller.key },
      { client: this.chain.client, log: this.log },
    );
  }

  /** Starts a priced gateway before an upstream; its URL. */
  async serve(
    listener: RequestListener,
    options: Partial<PaymentOptions> = {},
    over: Partial<PaymentsParts> & { collector?: TabCollector } = {},
  ): Promise<string> {
    const { deployment } = this.chain.devnet;
    const { payments, close } = createPayments(
      {
        price: parsePrice(PRICE),
        payTo: PAY_TO,
        weiPerBloc: parseEther("0.5"),
        allowLoopback: true,
        ...options,
      },
      {
        ...{ deployment, serviceKey: KEY_HEX, storeFile: this.storeFile() },
        ...{ client: this.chain.client, sender: this.sender, log: this.log },
        timers: systemTimers,
        now: () => Date.now(),
        ...over,
      },
    );
    this.#closing.push(close);
    const { url } = await this.#gateways.upstream(listener);
    const gateway = await this.#gateways.gateway(url, {}, { payments });
    return `http://127.0.0.1:${gateway.address.port}`;
  }

  /** A client as its packages are, with one key. */
  client(key: Hex = buyer.key): x402Client {
    return new x402Client().register("eip155:*", new ExactEvmScheme(privateKeyToAccount(key)));
  }

  /** The same with its one line of configuration for a token that it does not know. */
  clientFor(asset: Address, key: Hex = buyer.key): x402Client {
    const network = `eip155:${this.chain.devnet.deployment.chainId}` as const;
    return this.client(key).setSpendControls({ allowedAssets: [{ network, asset }] });
  }

  balance(asset: Address, account: Address): Promise<bigint> {
    return this.chain.client.readContract({
      ...{ address: asset, abi: erc20Abi, functionName: "balanceOf", args: [account] },
    });
  }
}

/** `fetch` that pays, and notes the requests that it sends. */
export function payingFetch(client: x402Client): {
  fetch: typeof fetch;
  /** Requests as they were sent, in order. */
  sent: Request[];
} {
  const sent: Request[] = [];
  const noting: typeof fetch = (input, init) => {
    const request = new Request(input as Request, init);
    sent.push(request.clone());
    return fetch(request);
  };
  return { fetch: wrapFetchWithPayment(noting, client) as typeof fetch, sent };
}

/** The payment's result in an answer. */
export function paid(response: Response): PaymentResponse {
  const field = response.headers.get("payment-response");
  if (field === null) throw new Error(`The answer ${response.status} has no PAYMENT-RESPONSE.`);
  return decodePaymentResponseHeader(field);
}

/** The offers in an answer. */
export function offered(response: Response): PaymentRequired {
  return decodeField(response.headers.get("payment-required") ?? "") as PaymentRequired;
}
