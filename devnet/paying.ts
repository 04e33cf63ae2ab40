import { get } from "node:http";
import { text } from "node:stream/consumers";
import { keccak256, parseEther, stringToHex, toHex, type Address, type Hex } from "viem";
import { openWallet, type OpenedWallet } from "../src/cashier/payer/openWallet.ts";
import { WalletStore, walletStoreFile } from "../src/cashier/payer/store.ts";
import { authorizedDeposit } from "../src/chain/cashier/deposits.ts";
import { Cashier } from "../src/chain/cashier/cashier.ts";
import { cashierCalls } from "../src/chain/cashier/calls.ts";
import { readHoldings } from "../src/chain/cashier/tabs.ts";
import type { ChainTime } from "../src/chain/clock.ts";
import type { Client } from "../src/client/client.ts";
import { createClient } from "../src/client/createClient.ts";
import { silentLogger } from "../src/node/logger.ts";
import type { Timers } from "../src/node/timers.ts";
import { hexToBytes } from "../src/protocol/bytes.ts";
import { rawName } from "../src/protocol/name.ts";
import { rootServiceId } from "../src/protocol/serviceId.ts";
import { createSalProxy, type SalProxy } from "../src/sal/proxy/salProxy.ts";
import { compareBooks, countBooks, type CashierBooks } from "./cashierBooks.ts";
import { fund, sender } from "./cast.ts";
import { devKey } from "./devnet.ts";
import { stateFolder } from "./processes.ts";
import { keyIndex, type Stage } from "./stage.ts";

/** What the paying user and the service say in the end. BLOC in wei, as decimals. */
export interface DemoPaying {
  payer: Address;
  service: number;
  /** Answered, and not. */
  requests: number;
  failures: number;
  /** Why the last one was not answered. */
  lastFailure: string | null;
  deposited: string;
  /** By vouchers of the user's wallet. */
  signed: string;
  /** By the provider, on chain. */
  redeemed: string;
  left: string;
  /** To the provider, less the fee. */
  paidOut: string;
  burned: string;
  /** To the auditors' budgets. */
  contributed: string;
  /** Figures of the contract that were compared with a count of its events, and those that differ. */
  compared: number;
  differences: string[];
}

/** What the live view shows of it; BLOC in wei. */
export interface PayingNow {
  payer: Address;
  service: bigint;
  requests: number;
  deposited: bigint;
  paid: bigint;
  paidOut: bigint;
  contributed: bigint;
  burned: bigint;
}

const DEPOSIT = parseEther("1000");
/** The most that the user spends. */
const MAX_SPEND = parseEther("900");
/** Between two requests, milliseconds. */
const PAUSE_MS = 500;
/** Time limit of what the provider does in the end, milliseconds; far above the time that a busy machine needs. */
const PATIENCE_MS = 60_000;
const PATH = "/README.md";
/** Requests between two looks at the fees, and the least fee that is forwarded. */
const FORWARD_EVERY = 20;
const LEAST_FEE = parseEther("0.005");

/**
 * A user that pays a service through a local proxy, by a wallet with a cap: its programs know nothing of it. It has
 * no ether; the treasury sends its signed deposit.
 */
export class PayingUser {
  readonly client: Client;
  readonly proxy: SalProxy;
  readonly #stage: Stage;
  readonly #service: bigint;
  readonly #timers: Timers;
  readonly #key: { key: Hex; address: Address };
  readonly #opened: OpenedWallet;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;
  /** The newest voucher of each tab, BLOC in wei. */
  readonly #sent = new Map<Hex, bigint>();
  #requests = 0;
  #failures = 0;
  #lastFailure: string | null = null;
  #books: CashierBooks | undefined;
  /** Called when a session has moved. */
  moved: (gapMs: number) => void = () => undefined;

  private constructor(
    stage: Stage,
    service: bigint,
    resolver: string,
    dependencies: { time: ChainTime; timers: Timers },
  ) {
    const { deployment, rpcUrl } = stage.devnet;
    this.#stage = stage;
    this.#service = service;
    this.#timers = dependencies.timers;
    this.#key = devKey(keyIndex.payer);
    this.#opened = openWallet(
      {
        ...{ stateDir: stateFolder(stage), deployment, key: hexToBytes(this.#key.key) },
        caps: { total: { ever: MAX_SPEND } },
      },
      { client: stage.client, time: dependencies.time, log: silentLogger },
    );
    this.client = createClient(
      { deployment, rpc: rpcUrl, resolver, allowLoopback: true },
      {
        payer: {
          wallet: this.#opened.wallet,
          observer: {
            spent: ({ tab, cumulative }) => {
              this.#sent.set(tab, cumulative);
            },
          },
        },
        observer: {
          moved: ({ gapMs }) => {
            this.moved(gapMs);
          },
        },
      },
    );
    this.proxy = createSalProxy(
      { listen: { port: 0 } },
      {
        dial: ({ host, port }, signal) => this.client.connect(host, { port, signal }),
        logger: silentLogger,
      },
    );
  }

  /** Deposits, and begins to use a service. */
  static async start(
    stage: Stage,
    service: bigint,
    resolver: string,
    dependencies: { time: ChainTime; timers: Timers },
  ): Promise<PayingUser> {
    const { address, key } = devKey(keyIndex.payer);
    const { deployment } = stage.devnet;
    await fund(stage, address, DEPOSIT);
    const nonce = keccak256(stringToHex("the devnet's deposit"));
    const terms = { key, amount: DEPOSIT, nonce };
    await stage.treasury.send(await authorizedDeposit(stage.client, deployment, terms));
    const user = new PayingUser(stage, service, resolver, dependencies);
    await user.proxy.start();
    user.#loop = user.#run();
    return user;
  }

  /** What the chain says now. */
  async look(head: bigint): Promise<PayingNow> {
    const { client, devnet } = this.#stage;
    if (this.#books?.block !== head)
      this.#books = await countBooks(client, devnet.deployment, head);
    const books = this.#books;
    const { deposited = 0n, paid = 0n } = books.payers.get(this.#key.address) ?? {};
    return {
      ...{ payer: this.#key.address, service: this.#service, requests: this.#requests },
      ...{ deposited, paid, paidOut: books.paidOut },
      ...{ contributed: books.contributed, burned: books.burned },
    };
  }

  /**
   * Ends: waits until the provider has redeemed and collected all that was signed, closes the wallet, announces to
   * close its tabs, waits until they are closed, forwards the fee, and compares all books.
   */
  async finish(): Promise<DemoPaying> {
    this.#stopping.abort();
    await this.#loop;
    const stage = this.#stage;
    const { client } = stage;
    const { deployment } = stage.devnet;
    const payer = this.#key.address;
    const service = rootServiceId(this.#service);
    // The sessions stay open until then, so that what is compared is final.
    await this.#until((books) => {
      const sent = [...this.#sent.values()].reduce((sum, amount) => sum + amount, 0n);
      const { paid } = books.payers.get(payer) ?? {};
      return paid === sent && books.services.get(service)?.earned === 0n;
    });
    await this.stop();
    const store = new WalletStore(walletStoreFile(stateFolder(stage), deployment, payer));
    const signed = store.payments().reduce((sum, { amount }) => sum + amount, 0n);
    store.close();
    await this.#announceClosing();
    let books = await this.#until(({ tabs }) => tabs.every(({ isClosed }) => isClosed));
    if (books.fees > 0n) await stage.treasury.send(cashierCalls(deployment).forwardFees());
    books = await countBooks(client, deployment, await client.getBlockNumber());
    const { compared, differences } = await compareBooks(client, deployment, books);
    const { deposited = 0n, paid = 0n, withdrawn = 0n } = books.payers.get(payer) ?? {};
    return {
      ...{ payer, service: Number(this.#service) },
      ...{ requests: this.#requests, failures: this.#failures },
      lastFailure: this.#lastFailure,
      ...{ deposited: deposited.toString(), signed: signed.toString(), redeemed: paid.toString() },
      ...{ left: (deposited - withdrawn - paid).toString(), paidOut: books.paidOut.toString() },
      ...{ burned: books.burned.toString(), contributed: books.contributed.toString() },
      compared,
      differences: differences.map(
        ({ what, counted, found }) => `${what}: ${found} wei instead of ${counted}`,
      ),
    };
  }

  /** Stops its requests, and closes the wallet. */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    // The client first: the proxy would wait for a download that does not end.
    await this.client.close();
    await this.proxy.stop();
    this.#opened.close();
  }

  /** The books when a condition holds, or when the time is over. */
  async #until(isDone: (books: CashierBooks) => boolean): Promise<CashierBooks> {
    const { client, devnet } = this.#stage;
    const limit = this.#timers.monotonic() + PATIENCE_MS;
    for (;;) {
      const books = await countBooks(client, devnet.deployment, await client.getBlockNumber());
      if (isDone(books) || this.#timers.monotonic() >= limit) return books;
      await this.#timers.sleep(PAUSE_MS, new AbortController().signal);
    }
  }

  /** The payer needs gas for this only. */
  async #announceClosing(): Promise<void> {
    const { client, devnet } = this.#stage;
    const { address: payer, key } = this.#key;
    const request = client.request as (call: object) => Promise<unknown>;
    const balance = toHex(parseEther("1"));
    await request({ method: "hardhat_setBalance", params: [payer, balance] });
    const block = await client.getBlockNumber();
    const { tabs } = await readHoldings(client, devnet.deployment, { payer, block });
    for (const tab of tabs) {
      if (tab.state !== "Open") continue;
      await sender(this.#stage, key).send(cashierCalls(devnet.deployment).announceClosing(tab));
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#request(signal);
        this.#requests += 1;
        if (this.#requests % FORWARD_EVERY === 0) await this.#forward();
      } catch (error) {
        // A user tries again; the result says how often, and why.
        if (signal.aborted) return;
        this.#failures += 1;
        this.#lastFailure = error instanceof Error ? error.message : String(error);
      }
      await this.#timers.sleep(PAUSE_MS, signal).catch(() => undefined);
    }
  }

  /** Anyone may forward the fees of all services. */
  async #forward(): Promise<void> {
    const { client, treasury, devnet } = this.#stage;
    const fees = await new Cashier(client, devnet.deployment).fees();
    if (fees >= LEAST_FEE) await treasury.send(cashierCalls(devnet.deployment).forwardFees());
  }

  #request(signal: AbortSignal): Promise<void> {
    const { address: host, port } = this.proxy.address;
    const name = rawName(rootServiceId(this.#service));
    const path = `http://${name}${PATH}`;
    return new Promise((resolve, reject) => {
      const request = get({ host, port, path, headers: { host: name }, agent: false, signal });
      request.on("error", reject);
      request.on("response", (response) => {
        text(response).then((body) => {
          if (response.statusCode === 200) resolve();
          else reject(new Error(`${response.statusCode ?? 0}: ${body.slice(0, 200)}`));
        }, reject);
      });
    });
  }
}
