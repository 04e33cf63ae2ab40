import { formatEther } from "viem";
import { cashierCalls } from "../../chain/cashier/calls.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { contractError } from "../../chain/transactions/revert.ts";
import type { TransactionSender } from "../../chain/transactions/sender.ts";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { cashierError } from "../errors.ts";
import type { CollectorChain } from "./chain.ts";
import { refusedByChain } from "./openings.ts";
import type { CollectedTab } from "./tab.ts";

/** Pause before another try of a transaction that could not be sent, milliseconds. */
const AGAIN_MS = 5_000;

/** Sends transactions of the collector. */
export type CollectorSender = Pick<TransactionSender, "send" | "gasPrice" | "address">;

export interface OpenerDependencies {
  deployment: Deployment;
  chain: CollectorChain;
  sender: CollectorSender;
  timers: Timers;
  log: Logger;
}

/**
 * Opens and raises tabs on chain. The chain is read first, so a transaction from before a crash is not sent again.
 */
export class Opener {
  readonly #d: OpenerDependencies;
  readonly #running = new Map<CollectedTab, Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(dependencies: OpenerDependencies) {
    this.#d = dependencies;
  }

  /** Ends all waits. */
  async stop(): Promise<void> {
    this.#stopping.abort(cashierError("busy", "The collector stops."));
    await Promise.allSettled(this.#running.values());
  }

  /**
   * Resolves when a tab is open on chain with the limit of its authorization.
   *
   * @throws BlockcloudError `CASHIER_FUNDS`, `CASHIER_AUTHORIZATION`, `CASHIER_TAB_ENDED`, `CASHIER_TAB_CLOSING`;
   * `CASHIER_BUSY` when the collector stops.
   */
  open(tab: CollectedTab): Promise<void> {
    const running = this.#running.get(tab);
    if (running !== undefined) return running;
    const started = this.#open(tab).finally(() => this.#running.delete(tab));
    this.#running.set(tab, started);
    return started;
  }

  /** Like {@link open}, but tries once; whether the tab is open. */
  async once(tab: CollectedTab): Promise<boolean> {
    return !this.#running.has(tab) && (await this.#try(tab));
  }

  async #open(tab: CollectedTab): Promise<void> {
    const { timers, log } = this.#d;
    const { signal } = this.#stopping;
    for (;;) {
      signal.throwIfAborted();
      try {
        if (await this.#try(tab)) return;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof BlockcloudError && error.code.startsWith("CASHIER_")) throw error;
        log.warn("a tab cannot be opened on chain, trying again", { tab: tab.tab, error });
      }
      await timers.sleep(AGAIN_MS, signal);
    }
  }

  /** Whether the tab is open; one try. */
  async #try(tab: CollectedTab): Promise<boolean> {
    const { chain, sender, deployment, log } = this.#d;
    const { opening } = tab;
    if (await this.#isOpen(tab)) return true;
    try {
      const { openBy } = opening.authorization;
      const options = { deadline: openBy, signal: this.#stopping.signal };
      await sender.send(cashierCalls(deployment).openTab(opening), options);
      log.info("tab opened", {
        tab: tab.tab,
        payer: tab.payer,
        limit: formatEther(opening.authorization.limit),
      });
    } catch (error) {
      // After an error the chain decides: an earlier transaction may have opened it.
      if (await this.#isOpen(tab)) return true;
      if (!isFinal(error)) throw error;
      const refusal = contractError((error as Error).cause);
      const why =
        refusal === undefined
          ? cashierError("ended", `Tab ${tab.tab} could not be opened in time.`, { cause: error })
          : refusedByChain(tab.tab, refusal);
      const view = await chain.tabOf(tab);
      // A tab that cannot be raised serves on up to its limit on chain.
      if (view.state === "Open") tab.confine(view);
      else tab.end(why);
      throw why;
    }
    return this.#isOpen(tab);
  }

  async #isOpen(tab: CollectedTab): Promise<boolean> {
    const view = await this.#d.chain.tabOf(tab);
    tab.see(view);
    if (tab.ended !== undefined && view.state !== "Open") throw tab.ended;
    return view.state === "Open" && view.limit >= tab.limit;
  }
}

/** Whether another try would end in the same way. */
function isFinal(error: unknown): boolean {
  return (
    error instanceof BlockcloudError &&
    !error.retryable &&
    (error.code === "CALL_REVERTED" || error.code === "TRANSACTION_EXPIRED")
  );
}
