import type { Address, Hex } from "viem";
import type { Scheduler } from "../../node/scheduler.ts";
import type { Collector } from "../collector/collector.ts";
import type { Quote } from "../quote.ts";
import type { TabCollector, TabOpening } from "../tabs.ts";
import { RemoteBooks } from "./remoteBooks.ts";
import { SharedTab } from "./sharedTab.ts";

type Amounts = Iterable<{ tab: Pick<SharedTab, "payer" | "tab">; amount: bigint }>;

/** What may be charged to tabs without asking: by sessions, and by requests in progress. BLOC in wei. */
export interface HeldAmounts {
  session: Amounts;
  request: Amounts;
}

/**
 * A collector whose books this process keeps, until another one takes its place; from then on, that one's books. One
 * process keeps the books at any time: so nothing is promised twice, and nothing counted twice.
 */
export class SharedCollector implements TabCollector {
  readonly #own: Collector;
  readonly #tabs = new Map<string, SharedTab>();
  readonly #clock: Scheduler;
  #remote: RemoteBooks | undefined;
  #giving: Promise<void> | undefined;
  /** Called when a tab may have room again. */
  refilled: (tab: SharedTab) => void = () => {};

  constructor(own: Collector, clock: Scheduler) {
    this.#own = own;
    this.#clock = clock;
  }

  /** The books of another process; undefined while this one keeps them. */
  get remote(): RemoteBooks | undefined {
    return this.#remote;
  }

  quote(payer?: Address): Quote {
    return this.#own.quote(payer);
  }

  async open(opening: TabOpening): Promise<SharedTab> {
    const remote = this.#remote;
    if (remote !== undefined) return this.#shared(await remote.open(opening));
    try {
      return this.#shared(await this.#own.open(opening));
    } catch (error) {
      // The books may have changed hands meanwhile.
      await this.#giving;
      if (this.#remote === undefined) throw error;
      return this.open(opening);
    }
  }

  find(payer: Address, tab: Hex): SharedTab | undefined {
    const found = (this.#remote ?? this.#own).find(payer, tab);
    if (found === undefined) {
      this.#tabs.delete(keyOf({ payer, tab }));
      return undefined;
    }
    return this.#shared(found);
  }

  /**
   * Writes everything, and keeps no books any more. What sessions and requests may use of the tabs stays theirs.
   *
   * @param held What they may use, of each kind.
   * @param written Called when all is on disk, before anything else is charged.
   */
  giveUp(held: () => HeldAmounts, written: () => void): Promise<void> {
    this.#giving ??= this.#giveUp(held, written);
    return this.#giving;
  }

  async #giveUp(held: () => HeldAmounts, written: () => void): Promise<void> {
    await this.#own.opener.stop();
    // From here to the end nothing else runs.
    const { session, request } = held();
    const sessions = sumsOf(session);
    const requests = sumsOf(request);
    const remote = new RemoteBooks(this.#clock, (tab) => {
      const shared = this.#tabs.get(keyOf(tab));
      if (shared !== undefined) this.refilled(shared);
    });
    this.#own.close();
    for (const [key, shared] of this.#tabs) {
      const reserved = requests.get(key) ?? 0n;
      const credit = shared.paid - shared.charged;
      // A stream in progress may go on as far as its payer has paid ahead.
      const ahead = reserved > 0n && credit > reserved ? credit : reserved;
      const share = { session: sessions.get(key) ?? 0n, request: ahead };
      shared.keptBy(remote.adopt(shared, share));
    }
    this.#remote = remote;
    written();
  }

  #shared(target: Parameters<SharedTab["keptBy"]>[0]): SharedTab {
    const key = keyOf(target);
    const known = this.#tabs.get(key);
    if (known !== undefined) {
      known.keptBy(target);
      return known;
    }
    const made = new SharedTab(target, () => this.#giving);
    this.#tabs.set(key, made);
    return made;
  }
}

function sumsOf(amounts: Amounts): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const { tab, amount } of amounts) {
    const key = keyOf(tab);
    sums.set(key, (sums.get(key) ?? 0n) + amount);
  }
  return sums;
}

function keyOf({ payer, tab }: { payer: Address; tab: Hex }): string {
  return `${payer}/${tab}`.toLowerCase();
}
