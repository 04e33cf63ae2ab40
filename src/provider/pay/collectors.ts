import { CollectorReads } from "../../cashier/collector/chain.ts";
import { Collector } from "../../cashier/collector/collector.ts";
import { SharedCollector, type HeldAmounts } from "../../cashier/shared/sharedCollector.ts";
import type { CollectorObserver } from "../../cashier/collector/observer.ts";
import { Redeemer } from "../../cashier/collector/redeemer.ts";
import { openCollectorStore, type CollectorStore } from "../../cashier/collector/store.ts";
import type { ChainClient } from "../../chain/client.ts";
import type { ChainTime } from "../../chain/clock.ts";
import type { Deployment } from "../../chain/deployment.ts";
import type { TransactionSender } from "../../chain/transactions/sender.ts";
import type { Logger } from "../../node/logger.ts";
import type { Startable } from "../../node/lifecycle.ts";
import { systemScheduler } from "../../node/scheduler.ts";
import type { Timers } from "../../node/timers.ts";
import type { PaySettings } from "./settings.ts";

/** Pause between two rounds of a redeemer, milliseconds. */
const REDEEM_MS = 60_000;

export interface CollectorsDependencies {
  client: ChainClient;
  deployment: Deployment;
  sender: TransactionSender;
  time: ChainTime;
  /** The chain's time, Unix milliseconds; the host's before the first block. */
  now(): number;
  /** Folder of the worker's state. */
  stateDir: string;
  timers: Timers;
}

interface Held {
  collector: Collector;
  shared: SharedCollector;
  store: CollectorStore;
  users: number;
}

/** A collector in use, until it is released. */
export interface TakenCollector {
  readonly collector: Collector;
  /** The same for those who charge: it stays when another process takes this one's place. */
  readonly shared: SharedCollector;
  /** Writes the books, and closes them: another process keeps them from now on. */
  giveUp(held: () => HeldAmounts): Promise<void>;
  /** Redeems, collects and closes while it runs. */
  redeemer(settings: Pick<PaySettings, "blocPriceWei" | "redeemMs">, log: Logger): Startable;
  /** Writes what is not on disk, if no other use is left. */
  release(): Promise<void>;
}

/**
 * The collectors of an agent's services. While the old gateway of a restarted service drains, the new one uses the same
 * collector: two would write over each other's books.
 */
export class Collectors {
  readonly #d: CollectorsDependencies;
  readonly #held = new Map<bigint, Held>();

  constructor(dependencies: CollectorsDependencies) {
    this.#d = dependencies;
  }

  /**
   * The collector of a service. One that is in use takes the new price at once, and other terms when it starts again.
   *
   * @throws BlockcloudError if its store cannot be opened.
   */
  take(
    number: bigint,
    settings: PaySettings,
    log: Logger,
    observer?: CollectorObserver,
  ): TakenCollector {
    const { client, deployment, sender, time, timers } = this.#d;
    const chain = new CollectorReads(client, deployment);
    const held = this.#held.get(number) ?? this.#make(number, settings, log, observer);
    this.#held.set(number, held);
    held.users += 1;
    held.collector.reprice(settings.price);
    const { collector, shared, store } = held;
    return {
      ...{ collector, shared },
      giveUp: (amounts) =>
        shared.giveUp(amounts, () => {
          store.close();
        }),
      redeemer: ({ blocPriceWei, redeemMs = REDEEM_MS }, own) =>
        new Redeemer(
          { blocPriceWei, everyMs: redeemMs },
          { collector, deployment, chain, sender, time, timers, log: own },
        ),
      release: async () => {
        held.users -= 1;
        if (held.users > 0) return;
        this.#held.delete(number);
        if (shared.remote !== undefined) return;
        await collector.stop();
        held.store.close();
      },
    };
  }

  #make(
    number: bigint,
    settings: PaySettings,
    log: Logger,
    observer: CollectorObserver | undefined,
  ): Held {
    const { client, deployment, sender, time, now, stateDir, timers } = this.#d;
    const store = openCollectorStore(stateDir, deployment, number);
    try {
      const collector = new Collector(
        { ...settings, number },
        {
          ...{ deployment, store, sender, timers, clock: systemScheduler, log, observer },
          chain: new CollectorReads(client, deployment),
          time: { timing: time.timing, now: () => now() / 1000 },
        },
      );
      const shared = new SharedCollector(collector, systemScheduler);
      return { collector, shared, store, users: 0 };
    } catch (error) {
      store.close();
      throw error;
    }
  }
}
