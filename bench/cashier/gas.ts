import { encodeFunctionData, parseEther, type Address, type Hex } from "viem";
import type { TabOpening } from "../../src/cashier/tabs.ts";
import { cashierAbi } from "../../src/protocol/abi/cashier.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { DUE_AFTER, LONGEST_BATCH } from "../../src/protocol/voucher.ts";
import { BenchChain, type Mined } from "../chain.ts";
import { Fleet, keyOf } from "../fleet.ts";
import { measurePaying } from "../gas/paying.ts";
import { Season } from "../gas/season.ts";
import { measureBacklog, type BacklogFigures } from "./backlog.ts";
import { BenchPayer } from "./payer.ts";

const EPOCHS_A_DAY = 24;
const BACKLOG = { vouchers: 5_000, days: 18 };
const PIECE = 123_456_789_012_345_678n;
const LIMIT = parseEther("40") + 1n;
const SERVICE = 3n;
/** Of the graded vouchers: GOOD, which the service reaches. */
const GRADE = 2;
/** Tabs opened in one transaction, so that it keeps within the limit. */
const OPENED_AT_ONCE = 100;

/** Transactions of one kind. */
export interface PayingRow {
  what: string;
  when: string;
  /** Vouchers in the transaction, or 1. */
  items: number;
  /** Gas of the whole transaction. */
  gas: number;
}

/** First and repeated. */
interface Twice {
  first: number;
  repeated: number;
}

export interface CashierGas {
  rows: PayingRow[];
  redeemRepeat: number;
  redeemBatch100Each: number;
  redeemBatch100GradedEach: number;
  collect: number;
  deposits: { allowance: Twice; permit: Twice; authorization: Twice };
  backlog: BacklogFigures;
}

/** Measures each function alone, then batches of 10 and 100 with and without a grade, then the backlog. */
export async function measureCashier(say: (message: string) => void): Promise<CashierGas> {
  const chain = await BenchChain.start();
  try {
    say("an audited service");
    const fleet = new Fleet(chain, { services: 15, stakes: [parseEther("20000")] });
    await fleet.register();
    const first = await fleet.enrol();
    const season = new Season(chain, fleet);
    for (let epoch = first; epoch <= first + 1 + DUE_AFTER; epoch++) {
      await season.play(epoch, "votes", false);
    }
    say("each function");
    const rows: PayingRow[] = [];
    await measurePaying(chain, fleet.keeper, async (from, contract, functionName, args, when) => {
      const { gas } = await chain.send({ from, contract, functionName, args });
      if (contract === "cashier")
        rows.push({ what: functionName, when: when ?? "", items: 1, gas });
    });
    const stage = await BatchStage.start(chain);
    say("batches");
    const graded = first + 1;
    for (const items of [10, LONGEST_BATCH]) {
      for (const minGrade of [0, GRADE]) {
        const { gas } = await stage.redeem(items, minGrade, graded);
        const when = minGrade === 0 ? "without a grade" : "graded, one service and epoch";
        rows.push({ what: "redeemBatch", when, items, gas });
      }
    }
    say(`a backlog of ${BACKLOG.vouchers} vouchers`);
    const backlog = await stage.backlog();
    return figuresOf(rows, backlog);
  } finally {
    await chain.stop();
  }
}

function figuresOf(rows: PayingRow[], backlog: CashierGas["backlog"]): CashierGas {
  const find = (what: string, when: string, items = 1): number => {
    const row = rows.find(
      (each) => each.what === what && each.when === when && each.items === items,
    );
    if (row === undefined) throw new Error(`No row ${what} (${when}) of ${items}.`);
    return row.gas;
  };
  const twice = (what: string): Twice => ({
    first: find(what, "the payer's first"),
    repeated: find(what, "again"),
  });
  const each = (when: string) =>
    Math.round(find("redeemBatch", when, LONGEST_BATCH) / LONGEST_BATCH);
  return {
    rows,
    redeemRepeat: find("redeem", "repeated"),
    redeemBatch100Each: each("without a grade"),
    redeemBatch100GradedEach: each("graded, one service and epoch"),
    collect: find("collect", "repeated"),
    deposits: {
      allowance: twice("deposit"),
      permit: twice("depositWithPermit"),
      authorization: twice("depositWithAuthorization"),
    },
    backlog,
  };
}

/** A tab on chain, with what opened it. */
interface OpenedTab {
  salt: number;
  opening: TabOpening;
}

/** A payer with many open tabs of one collector. */
class BatchStage {
  readonly #chain: BenchChain;
  readonly #payer: BenchPayer;
  readonly #collector: Address;
  #tabs = 0;

  private constructor(chain: BenchChain) {
    this.#chain = chain;
    this.#payer = new BenchPayer(chain, "payer with many tabs");
    this.#collector = addressOfKey(keyOf("collector of many tabs"));
  }

  static async start(chain: BenchChain): Promise<BatchStage> {
    const stage = new BatchStage(chain);
    const amount = parseEther("1000000");
    await stage.#payer.fund(amount);
    const args = await stage.#payer.authorization(amount, "all tabs");
    await stage.#send("depositWithAuthorization", args);
    return stage;
  }

  /** Redeems a voucher of each of several new tabs, in one batch. */
  async redeem(items: number, minGrade: number, epoch: number): Promise<Mined> {
    const opened = await this.#open(items);
    return this.#redeem(opened.map(({ salt }) => this.#voucher(salt, minGrade, epoch)));
  }

  /** Vouchers of many tabs that waited for many days, each of another epoch, are redeemed and collected. */
  async backlog(): Promise<BacklogFigures> {
    const { vouchers, days } = BACKLOG;
    const opened = await this.#open(vouchers);
    const since = await this.#chain.epoch();
    const held = opened.map(({ salt, opening }, index) => {
      const epoch = since + Math.floor((index * days * EPOCHS_A_DAY) / vouchers);
      return { opening, charged: PIECE, vouchers: [this.#voucher(salt, 0, epoch)] };
    });
    await this.#chain.enter(since + days * EPOCHS_A_DAY);
    const terms = { collector: this.#collector, number: SERVICE, held };
    return { days, ...(await measureBacklog(this.#chain, terms)) };
  }

  async #open(count: number): Promise<OpenedTab[]> {
    const salts = Array.from({ length: count }, () => ++this.#tabs);
    const opened: OpenedTab[] = [];
    for (let from = 0; from < count; from += OPENED_AT_ONCE) {
      const calls: Hex[] = [];
      for (const salt of salts.slice(from, from + OPENED_AT_ONCE)) {
        const terms = { service: SERVICE, collector: this.#collector, salt, limit: LIMIT };
        const args = await this.#payer.tab(terms);
        const [authorization, given, signature] = args;
        opened.push({ salt, opening: { authorization, salt: given, signature } });
        calls.push(encodeFunctionData({ abi: cashierAbi, functionName: "openTab", args }));
      }
      const { logs } = await this.#send("tryMulticall", [calls]);
      if (logs.length !== calls.length) throw new Error("A tab did not open.");
    }
    return opened;
  }

  async #redeem(items: readonly ReturnType<BenchPayer["voucher"]>[]): Promise<Mined> {
    const before = await this.#earned();
    const mined = await this.#send("redeemBatch", [items]);
    const earned = (await this.#earned()) - before;
    if (earned !== PIECE * BigInt(items.length)) throw new Error("A voucher was not redeemed.");
    return mined;
  }

  #voucher(salt: number, minGrade: number, epoch: number) {
    const terms = { service: SERVICE, collector: this.#collector, salt, cumulative: PIECE };
    return this.#payer.voucher({ ...terms, minGrade, epoch });
  }

  #earned(): Promise<bigint> {
    return this.#chain.read<bigint>("cashier", "earnedOf", [rootServiceId(SERVICE)]);
  }

  #send(functionName: string, args: readonly unknown[]): Promise<Mined> {
    return this.#chain.send({ from: this.#collector, contract: "cashier", functionName, args });
  }
}
