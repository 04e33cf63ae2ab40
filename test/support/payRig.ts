import { randomBytes } from "node:crypto";
import type { RequestListener } from "node:http";
import path from "node:path";
import { ExactEvmScheme } from "@x402/evm";
import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { decodePaymentResponseHeader } from "@x402/core/http";
import { erc20Abi, parseAbi, parseEther, toHex, type Address, type Hex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { devKey } from "../../devnet/devnet.ts";
import { parsePrice } from "../../src/cashier/price.ts";
import type { TabCollector } from "../../src/cashier/tabs.ts";
import { TransactionSender } from "../../src/chain/transactions/sender.ts";
import { systemTimers } from "../../src/node/timers.ts";
import {
  decodeField,
  encodeField,
  readExactPayload,
  toText,
  type PaymentRequired,
  type PaymentRequirements,
  type PaymentResponse,
} from "../../src/protocol/x402.ts";
import type { TransferAuthorization } from "../../src/protocol/transferAuthorization.ts";
import {
  createPayments,
  type PaymentsParts,
} from "../../src/provider/gateway/pay/createPayments.ts";
import { transferCall } from "../../src/provider/gateway/pay/authorizations.ts";
import type { PaymentOptions } from "../../src/provider/gateway/pay/options.ts";
import type { Reviewer } from "../../src/provider/gateway/pay/reviewer.ts";
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
  /** Requests that the upstreams got; a test sets it back. */
  runs = 0;
  #review: Reviewer | undefined;
  /** Counts the stores, one for each payee. */
  #stores = 0;
  /** How far the chain's time is ahead of this machine's, seconds. */
  #ahead = 0;

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

  /** Of the newest gateway. */
  get review(): Reviewer {
    if (this.#review === undefined) throw new Error("no gateway");
    return this.#review;
  }

  /** The chain's time, Unix seconds. */
  get now(): number {
    return Date.now() / 1000 + this.#ahead;
  }

  /** Lets the chain's time pass. */
  async pass(seconds: number): Promise<void> {
    this.#ahead += seconds;
    await this.chain.pass(seconds);
  }

  /** The token BLOC. */
  get bloc(): Address {
    return this.chain.devnet.deployment.contracts.token;
  }

  /** A payment for an offer, as a client would sign it, with changes. */
  async pay(offer: PaymentRequirements, over: Partial<PaymentChanges> = {}): Promise<string> {
    const { key = buyer.key, accepted = offer, signature: given, ...terms } = over;
    const account = privateKeyToAccount(key);
    const authorization = {
      ...{ from: account.address, to: offer.payTo, value: BigInt(offer.amount) },
      ...{ validAfter: 0n, validBefore: BigInt(Math.floor(this.now) + offer.maxTimeoutSeconds) },
      ...{ nonce: toHex(randomBytes(32)), ...terms },
    };
    const { name, version } = offer.extra as { name: string; version: string };
    const chainId = this.chain.devnet.deployment.chainId;
    const signature =
      given ??
      (await account.signTypedData({
        domain: { name, version, chainId, verifyingContract: offer.asset },
        types: authorizationTypes,
        primaryType: "TransferWithAuthorization",
        message: authorization,
      }));
    const payload = toText({ signature, authorization });
    return encodeField({ x402Version: 2, accepted, payload });
  }

  /** Cancels a payment in BLOC on chain, as its payer may. */
  async cancel(header: string): Promise<void> {
    const { payload } = decodeField(header) as { payload: unknown };
    const { from: authorizer, nonce } = readExactPayload(payload).authorization;
    const chainId = this.chain.devnet.deployment.chainId;
    const signature = await privateKeyToAccount(buyer.key).signTypedData({
      domain: { name: "Blockcloud", version: "1", chainId, verifyingContract: this.bloc },
      types: {
        CancelAuthorization: [
          { name: "authorizer", type: "address" },
          { name: "nonce", type: "bytes32" },
        ],
      },
      primaryType: "CancelAuthorization",
      message: { authorizer, nonce },
    });
    const abi = parseAbi(["function cancelAuthorization(address, bytes32, bytes)"]);
    await this.chain.send(seller.key, this.bloc, abi, "cancelAuthorization", [
      ...[authorizer, nonce, signature],
    ]);
  }

  /** Moves BLOC of a key without ether away, by a transfer that the seller executes. */
  async spend(key: Hex, amount: bigint): Promise<void> {
    const header = await this.pay(
      {
        ...{ scheme: "exact", network: "", asset: this.bloc, payTo: seller.address },
        ...{ amount: String(amount), maxTimeoutSeconds: 60 },
        extra: { name: "Blockcloud", version: "1" },
      },
      { key },
    );
    const { payload } = decodeField(header) as { payload: unknown };
    const { address, abi, functionName, args } = transferCall(this.bloc, readExactPayload(payload));
    await this.chain.send(seller.key, address, abi, functionName, args);
  }

  /** The offer in BLOC for a request. */
  async offer(url: string, init: RequestInit = {}): Promise<PaymentRequirements> {
    const { accepts } = offered(await fetch(url, init));
    return accepts.find(({ asset, scheme }) => scheme === "exact" && asset === this.bloc)!;
  }

  /** What the payee has of BLOC, in payments of {@link PRICE}. */
  async income(): Promise<number> {
    return Number((await this.balance(this.bloc, PAY_TO)) / parseEther("0.01"));
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
    const { payments, review, close } = createPayments(
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
        now: () => this.now * 1000,
        ...over,
      },
    );
    this.#review = review;
    this.#closing.push(close);
    const { url } = await this.#gateways.upstream((request, response) => {
      this.runs += 1;
      listener(request, response);
    });
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

/** What a payment has instead of what a client would sign. */
export interface PaymentChanges extends TransferAuthorization {
  key: Hex;
  accepted: PaymentRequirements;
  signature: Hex;
}

const authorizationTypes = {
  TransferWithAuthorization: [
    { name: "from", type: "address" },
    { name: "to", type: "address" },
    { name: "value", type: "uint256" },
    { name: "validAfter", type: "uint256" },
    { name: "validBefore", type: "uint256" },
    { name: "nonce", type: "bytes32" },
  ],
} as const;

/** Sends a request with a payment. */
export function paying(url: string, header: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("payment-signature", header);
  return fetch(url, { ...init, headers });
}

/** `fetch` that pays, and notes the requests that it sends. */
export function payingFetch(client: x402Client): {
  fetch: typeof fetch;
  /** Requests as they were sent, in order. */
  sent: Request[];
} {
  const sent: Request[] = [];
  const noting: typeof fetch = (input, init) => {
    const request = new Request(input, init);
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
