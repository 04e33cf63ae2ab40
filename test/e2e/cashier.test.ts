import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { parseEther, type Address, type Hex } from "viem";
import { compareBooks, countBooks, type CashierBooks } from "../../devnet/cashierBooks.ts";
import { CollectorReads } from "../../src/cashier/collector/chain.ts";
import { Collector } from "../../src/cashier/collector/collector.ts";
import { Redeemer } from "../../src/cashier/collector/redeemer.ts";
import { CollectorStore } from "../../src/cashier/collector/store.ts";
import { WalletStore } from "../../src/cashier/payer/store.ts";
import { Wallet } from "../../src/cashier/payer/wallet.ts";
import { costOf, parsePrice, type Price } from "../../src/cashier/price.ts";
import { Cashier } from "../../src/chain/cashier/cashier.ts";
import { cashierCalls } from "../../src/chain/cashier/calls.ts";
import { authorizedDeposit } from "../../src/chain/cashier/deposits.ts";
import { readStatement } from "../../src/chain/cashier/statement.ts";
import { readHoldings } from "../../src/chain/cashier/tabs.ts";
import { systemScheduler } from "../../src/node/scheduler.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { bytesToHex, hexToBytes } from "../../src/protocol/bytes.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { cashierDomain, feeOf, LONGEST_BATCH } from "../../src/protocol/voucher.ts";
import { MemoryLog } from "../support/memoryLog.ts";
import { PayingStage, type ChainKind } from "../support/payingStage.ts";
import { readInput, recount } from "../support/recount/recount.ts";

const USERS = 50;
const SERVICES = 10;
const USES = 1_000;
const DEPOSIT = parseEther("5") + 3n;
/** Different at each service. */
const priceOf = (number: number): Price =>
  parsePrice(`0.00${number}/MB|0.0000${number}/request|0.0${number}/hour`);

/** The same numbers in each run: below `bound`, spread evenly. */
function* numbers(bound: number): Generator<number> {
  for (let state = 1n; ;) {
    state = (state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) % 2n ** 64n;
    yield Number((state >> 33n) % BigInt(bound));
  }
}

for (const kind of ["embedded", "Anvil"] satisfies ChainKind[]) {
  describe(`${USERS} users and ${SERVICES} services on the ${kind} chain`, function () {
    this.timeout(300_000);
    let stage: PayingStage;
    let wallets: Wallet[];
    let providers: { number: number; collector: Collector; redeemer: Redeemer }[];
    let books: CashierBooks;
    /** What was used, BLOC in wei, by service and user. */
    const used = new Map<string, bigint>();
    const spent = new Map<Address, bigint>();
    const log = new MemoryLog();

    before(async () => {
      stage = await PayingStage.start(kind, SERVICES);
    });
    after(() => stage.stop());

    /** The newest block's time, which a test of many transactions need not wait for. */
    async function time() {
      const { number, hash, timestamp } = await stage.client.getBlock();
      const head = { number, hash, timestamp: Number(timestamp) };
      const { genesis, epochSeconds } = stage.deployment;
      const timing = { genesis, epochSeconds };
      return { timing, now: () => head.timestamp, head: () => head };
    }

    it("users deposit by signatures alone: they never hold ether", async () => {
      const { client, deployment } = stage;
      const { chainId, contracts } = deployment;
      const domain = cashierDomain(BigInt(chainId), contracts.cashier);
      const chain = new Cashier(client, deployment);
      wallets = [];
      for (let user = 0; user < USERS; user++) {
        const { key, address } = stage.key(`user ${user}`);
        await stage.fund(address, DEPOSIT);
        const nonce = bytesToHex(randomBytes(32));
        const amount = DEPOSIT;
        await stage.relayer.send(
          await authorizedDeposit(client, deployment, { key, amount, nonce }),
        );
        expect(await client.getBalance({ address })).to.equal(0n);
        const store = new WalletStore(":memory:");
        const options = { domain, key: hexToBytes(key), tabLimit: parseEther("0.4") };
        wallets.push(new Wallet(options, { store, chain, time: await time(), log }));
      }
    });

    it("they use services a thousand times, each paid at once by a voucher", async () => {
      const { client, deployment } = stage;
      const now = await time();
      const chain = new CollectorReads(client, deployment);
      providers = Array.from({ length: SERVICES }, (_, index) => {
        const number = index + 1;
        const sender = stage.sender(stage.collector(number).key);
        const common = { deployment, chain, sender, time: now, timers: systemTimers, log };
        const collector = new Collector(
          {
            ...{ number: BigInt(number), price: priceOf(number), leastLimit: parseEther("0.1") },
            // Nothing may be unsecured: each tab is opened on chain before its first voucher counts.
            exposure: { payer: 0n, total: 0n },
          },
          { ...common, store: new CollectorStore(":memory:"), clock: systemScheduler },
        );
        const options = { blocPriceWei: parseEther("1000"), everyMs: 60_000 };
        return { number, collector, redeemer: new Redeemer(options, { ...common, collector }) };
      });
      const draw = numbers(1_000_000);
      const next = (bound: number) => (draw.next().value as number) % bound;
      for (let use = 0; use < USES; use++) {
        // Everybody and everything once, then at random.
        const wallet = wallets[use < USERS ? use : next(USERS)]!;
        const { number, collector } = providers[use < USERS ? use % SERVICES : next(SERVICES)]!;
        const quote = collector.quote(wallet.payer);
        const tab = await wallet.tabFor(quote);
        const taken = await collector.open(tab);
        const amount = costOf(quote.price, {
          bytes: next(3_000_000),
          ...{ requests: 1, milliseconds: next(5_000) },
        });
        taken.charge(amount);
        await taken.credit(await tab.pay(taken.charged));
        expect(taken.paid).to.equal(taken.charged);
        const key = `${number} ${wallet.payer}`;
        used.set(key, (used.get(key) ?? 0n) + amount);
        spent.set(wallet.payer, (spent.get(wallet.payer) ?? 0n) + amount);
      }
      expect(spent.size).to.equal(USERS);
    });

    it("one settlement of each provider pays for all of it, to the last wei", async () => {
      const { client, deployment } = stage;
      const before = await Promise.all(
        providers.map(({ number }) => client.getTransactionCount(stage.collector(number))),
      );
      for (const { redeemer } of providers) await redeemer.round();
      for (const [index, { number, collector }] of providers.entries()) {
        const sent = await client.getTransactionCount(stage.collector(number));
        // A batch and a collection.
        expect(sent - before[index]!, `service ${number}`).to.equal(2);
        expect([...collector.tabs].length).to.be.at.most(LONGEST_BATCH);
      }
      books = await countBooks(client, deployment, await client.getBlockNumber());
      expect(books.collections).to.equal(SERVICES);
      expect(books.redemptions).to.equal(used.size);
      for (const { payer, service, paid, redeemed } of books.tabs) {
        const number = Number(BigInt(service) >> 192n);
        expect(paid, `${number} ${payer}`).to.equal(used.get(`${number} ${payer}`));
        expect(redeemed).to.equal(paid);
      }
      for (const { number } of providers) {
        const all = [...used].filter(([key]) => key.startsWith(`${number} `));
        const sum = all.reduce((total, [, amount]) => total + amount, 0n);
        expect(books.services.get(rootServiceId(BigInt(number)))).to.deep.equal({
          ...{ earned: 0n, collected: sum },
        });
      }
    });

    it("the fee is 2%, rounded up; half of it is burned, half goes to the auditors' budgets", async () => {
      const { client, deployment } = stage;
      const { rewardPool } = deployment.contracts;
      const [supply, pool] = [await stage.supply(), await stage.bloc(rewardPool)];
      const collected = [...books.services.values()].map((each) => feeOf(each.collected));
      expect(books.fees).to.equal(collected.reduce((sum, fee) => sum + fee, 0n));
      await stage.relayer.send(cashierCalls(deployment).forwardFees());
      books = await countBooks(client, deployment, await client.getBlockNumber());
      expect(books.burned + books.contributed).to.equal(books.feesTaken);
      expect(books.burned - books.contributed).to.equal(books.feesTaken % 2n);
      expect(supply - (await stage.supply())).to.equal(books.burned);
      expect((await stage.bloc(rewardPool)) - pool).to.equal(books.contributed);
    });

    it("the contract's books equal the count of its events, and each user's statement adds up", async () => {
      const { client, deployment } = stage;
      const { compared, differences } = await compareBooks(client, deployment, books);
      expect(differences).to.deep.equal([]);
      expect(compared).to.be.at.least(4 * USERS + 3 * used.size + 2 * SERVICES);
      const { block } = books;
      const blocks = { from: BigInt(deployment.block), to: block };
      for (const { payer } of wallets) {
        const paid = spent.get(payer) ?? 0n;
        const statement = await readStatement(client, deployment, { payer, blocks });
        expect(statement.paid).to.equal(paid);
        const rows = statement.rows.map(({ service, amount }): [Hex, bigint] => [service, amount]);
        const own = books.tabs.filter((tab) => tab.payer === payer);
        expect(new Map(rows)).to.deep.equal(new Map(own.map((tab) => [tab.service, tab.paid])));
        const held = await readHoldings(client, deployment, { payer, block });
        expect(held.left).to.equal(DEPOSIT - paid);
      }
    });

    it("a recount from raw blocks and calldata, by the specification alone, agrees with each voucher", async () => {
      const { client, deployment } = stage;
      const { kinds, differences } = await recount(await readInput(client, deployment.contracts));
      expect(differences).to.deep.equal([]);
      expect(kinds.get("cashier.Redeemed amount")).to.equal(used.size);
      expect(kinds.get("tab")).to.equal(7 * used.size);
      expect(kinds.get("cashier.Collected fee")).to.equal(SERVICES);
    });
  });
}
