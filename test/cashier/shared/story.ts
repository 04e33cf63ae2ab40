import { FreeAllowance } from "../../../src/cashier/allowance.ts";
import type { FromKeeper, ToKeeper } from "../../../src/cashier/shared/messages.ts";
import { holdingJson } from "../../../src/cashier/shared/remoteTab.ts";
import { SharedCollector } from "../../../src/cashier/shared/sharedCollector.ts";
import type { SharedTab } from "../../../src/cashier/shared/sharedTab.ts";
import type { PayerTab } from "../../../src/cashier/tabs.ts";
import { BooksKeeper, type BooksUser } from "../../../src/provider/handoff/booksKeeper.ts";
import type { TabAccount, TabUser } from "../../../src/sal/pay/tabAccount.ts";
import { Till } from "../../../src/sal/pay/till.ts";
import { FakeClock } from "../../sal/rig/fakeClock.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { PayRig, TRANCHE, type CollectorLife } from "../rig/payRig.ts";

/** A stride of a session: what it takes of the window at once. */
const STRIDE = TRANCHE / 4n;

/** A process with a session that charges the one tab of the story. */
export class Process implements TabUser {
  readonly name: number;
  readonly shared: SharedCollector;
  readonly till: Till;
  readonly keeper: BooksKeeper;
  readonly life: CollectorLife;
  /** Messages that are on their way to the process with the books, and back. */
  toKeeper: ToKeeper[] = [];
  fromKeeper: FromKeeper[] = [];
  /** At the process that keeps the books: this process. */
  at: BooksUser | undefined;
  granted = 0n;
  tab: SharedTab | undefined;
  #account: TabAccount | undefined;

  constructor(name: number, rig: PayRig) {
    this.name = name;
    this.life = rig.collect();
    const clock = new FakeClock();
    this.shared = new SharedCollector(this.life.collector, clock);
    const allowance = new FreeAllowance({ bytes: 0, requests: 0 }, () => 1);
    const log = new MemoryLog();
    this.till = new Till({ collector: this.shared, allowance }, { clock, log });
    this.keeper = new BooksKeeper({ collector: this.shared, till: this.till, log });
    this.shared.refilled = (tab) => {
      this.till.refilled(tab);
    };
  }

  credited(): void {
    // The story asks again.
  }

  use(tab: SharedTab): void {
    this.tab = tab;
    this.#account = this.till.join(tab, this);
  }

  /** Takes a stride of the window, if there is room. */
  take(): void {
    const quote = this.shared.quote();
    const room = (this.#account?.room(this, quote) ?? 0n) - this.granted;
    if (room >= STRIDE) this.granted += STRIDE;
  }

  /** Serves a part of what it may; returns how much. */
  serve(): bigint {
    if (this.tab === undefined || this.granted === 0n) return 0n;
    const amount = this.granted < STRIDE / 2n ? this.granted : STRIDE / 2n;
    this.granted -= amount;
    this.tab.charge(amount);
    return amount;
  }

  /** Serves no more: what it may still use is free again. */
  quit(): void {
    this.granted = 0n;
    if (this.#account !== undefined) this.till.leave(this.#account, this);
    this.tab = undefined;
  }

  /** Lets one message arrive, there or here. */
  deliver(isThere: boolean): void {
    if (isThere) {
      const message = this.toKeeper.shift();
      if (message !== undefined) this.at?.take(JSON.parse(JSON.stringify(message)));
    } else {
      const message = this.fromKeeper.shift();
      if (message !== undefined) this.shared.remote?.take(JSON.parse(JSON.stringify(message)));
    }
  }

  /** This process becomes one of those that the newest one keeps the books for. */
  joins(newest: Process): void {
    const { remote } = this.shared;
    if (remote === undefined) throw new Error("It keeps its books.");
    // What the process before has said comes first: its connection was there before this one.
    while (this.fromKeeper.length > 0) this.deliver(false);
    this.toKeeper = [];
    const holdings = remote.holdings().map((each) => holdingJson(each));
    const own: FromKeeper[] = [];
    const sent: ToKeeper[] = [];
    this.fromKeeper = own;
    this.toKeeper = sent;
    remote.attach((message) => sent.push(message));
    this.at = newest.keeper.join(holdings, (message) => own.push(message));
  }
}

/** One tab of a payer, used at any number of processes of which each takes the place of the one before. */
export class Story {
  readonly rig = new PayRig();
  readonly wallet = this.rig.pay();
  /** The newest last. */
  processes: Process[] = [];
  served = 0n;
  /** What crashes of the process with the books may have lost. */
  crashes = 0;
  #ours: PayerTab | undefined;

  get newest(): Process {
    const newest = this.processes.at(-1);
    if (newest === undefined) throw new Error("There is no process.");
    return newest;
  }

  get ours(): PayerTab {
    if (this.#ours === undefined) throw new Error("The story has not begun.");
    return this.#ours;
  }

  async begin(): Promise<void> {
    this.#start();
    this.#ours = await this.wallet.tabFor(this.newest.shared.quote());
    await this.#present(this.newest);
  }

  /** What the books count, and what is on its way to them. */
  get counted(): bigint {
    const charged = this.newest.shared.find(this.wallet.payer, this.ours.tab)?.charged ?? 0n;
    const underWay = this.processes
      .flatMap(({ toKeeper }) => toKeeper)
      .reduce((sum, each) => (each.is === "charge" ? sum + BigInt(each.amount) : sum), 0n);
    return charged + underWay;
  }

  get paid(): bigint {
    return this.newest.shared.find(this.wallet.payer, this.ours.tab)?.paid ?? 0n;
  }

  serve(process: Process): void {
    process.take();
    this.served += process.serve();
  }

  /** The payer pays what it has got, at one of the processes. */
  async pay(process: Process): Promise<void> {
    if (process.tab === undefined || this.served === 0n) return;
    const voucher = await this.ours.pay(this.served);
    await this.#settled(process.tab.credit(voucher));
  }

  /** Another process takes the place of the newest one. */
  async replace(): Promise<void> {
    const old = this.newest;
    old.keeper.close();
    let isWritten = false;
    const given = old.shared.giveUp(
      () => ({ session: old.till.granted(), request: [] }),
      () => {
        isWritten = true;
      },
    );
    await this.#settled(given);
    if (!isWritten) throw new Error("The books are open.");
    await this.#next();
  }

  /** The newest process dies; another one takes its place. */
  async crash(): Promise<void> {
    const old = this.newest;
    old.life.crash();
    this.processes.pop();
    this.crashes += 1;
    for (const each of this.processes) {
      each.fromKeeper = [];
      each.toKeeper = [];
      each.shared.remote?.detach();
    }
    await this.#next();
  }

  /** A process that serves on has nothing left to serve, or dies. */
  end(process: Process): void {
    if (process === this.newest) return;
    process.quit();
    while (process.toKeeper.length > 0) process.deliver(true);
    process.at?.leave();
    this.processes = this.processes.filter((each) => each !== process);
  }

  /** Lets all messages arrive. */
  settle(): void {
    for (const each of this.processes) {
      while (each.toKeeper.length + each.fromKeeper.length > 0) {
        each.deliver(true);
        each.deliver(false);
      }
    }
  }

  #start(): void {
    this.processes.push(new Process(this.processes.length, this.rig));
  }

  async #next(): Promise<void> {
    const before = [...this.processes].reverse();
    this.#start();
    for (const each of before) each.joins(this.newest);
    await this.#present(this.newest);
  }

  /** The payer's session at a process begins. */
  async #present(process: Process): Promise<void> {
    const { authorization, signature, salt } = this.ours;
    const opened = process.shared.open({ authorization, signature, salt });
    process.use(await this.#settled(opened));
  }

  /** Lets disks and messages work until a promise is settled. */
  async #settled<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const done = () => {
      isSettled = true;
    };
    promise.then(done, done);
    while (!isSettled) {
      for (const each of this.processes) each.life.commit();
      this.settle();
      await new Promise(setImmediate);
    }
    return promise;
  }
}
