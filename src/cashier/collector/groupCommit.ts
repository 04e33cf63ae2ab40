import type { Logger } from "../../node/logger.ts";
import type { Scheduler } from "../../node/scheduler.ts";
import { cashierError } from "../errors.ts";
import type { CollectorStore } from "./store.ts";
import type { CollectedTab } from "./tab.ts";

/** Least time between two commits, milliseconds: a commit waits for the disk, and the process with it. */
const COMMIT_MS = 20;
/** Longest time until a charge is on disk if no voucher comes, milliseconds. */
const LAZY_MS = 200;

/**
 * Writes all tabs that changed in one transaction, so that many vouchers share a wait for the disk. A voucher counts
 * when its commit is done.
 */
export class GroupCommit {
  readonly #store: CollectorStore;
  readonly #clock: Scheduler;
  readonly #log: Logger;
  #changed = new Set<CollectedTab>();
  #dropped = new Set<CollectedTab>();
  #waiting: PromiseWithResolvers<undefined> | undefined;
  #cancel: (() => void) | undefined;
  #isLazy = false;
  #last = -COMMIT_MS;
  #isClosed = false;

  constructor(d: { store: CollectorStore; clock: Scheduler; log: Logger }) {
    this.#store = d.store;
    this.#clock = d.clock;
    this.#log = d.log;
  }

  /** Writes a tab soon. */
  later(tab: CollectedTab): void {
    if (this.#isClosed) return;
    this.#changed.add(tab);
    if (this.#cancel === undefined) this.#schedule(LAZY_MS, true);
  }

  /** Deletes a tab soon. A crash before costs only the same work again. */
  drop(tab: CollectedTab): void {
    if (this.#isClosed) return;
    this.#changed.delete(tab);
    this.#dropped.add(tab);
    if (this.#cancel === undefined) this.#schedule(LAZY_MS, true);
  }

  /** Writes a tab with the next commit, which is due at once; resolves when it is on disk. */
  async now(tab: CollectedTab): Promise<void> {
    if (this.#isClosed) throw cashierError("busy", "Another process keeps the books now.");
    this.#waiting ??= Promise.withResolvers();
    const { promise } = this.#waiting;
    this.soon(tab);
    await promise;
  }

  /** The same without waiting. */
  soon(tab: CollectedTab): void {
    if (this.#isClosed) return;
    this.#changed.add(tab);
    if (this.#isLazy) {
      this.#cancel?.();
      this.#cancel = undefined;
    }
    if (this.#cancel === undefined) {
      this.#schedule(Math.max(0, this.#last + COMMIT_MS - this.#clock.monotonic()), false);
    }
  }

  /** Commits what is left, and nothing after it. */
  close(): void {
    this.flush();
    this.#isClosed = true;
  }

  /** Commits what is left; for the end of a process. */
  flush(): void {
    if (this.#isClosed) return;
    this.#cancel?.();
    this.#commit();
  }

  #schedule(milliseconds: number, isLazy: boolean): void {
    this.#isLazy = isLazy;
    this.#cancel = this.#clock.after(milliseconds, () => {
      this.#commit();
    });
  }

  #commit(): void {
    const [changed, dropped, waiting] = [this.#changed, this.#dropped, this.#waiting];
    this.#changed = new Set();
    this.#dropped = new Set();
    this.#waiting = undefined;
    this.#cancel = undefined;
    this.#last = this.#clock.monotonic();
    if (changed.size === 0 && dropped.size === 0) return;
    try {
      const rows = [...changed].map((tab) => ({ tab, row: tab.toStore() }));
      this.#store.commit(
        rows.map(({ row }) => row),
        [...dropped],
      );
      for (const { tab, row } of rows) tab.written(row);
      waiting?.resolve(undefined);
    } catch (error) {
      // They are written with the next commit; who waits must not believe that they are on disk.
      for (const tab of changed) if (!this.#dropped.has(tab)) this.#changed.add(tab);
      for (const tab of dropped) this.#dropped.add(tab);
      this.#log.error("vouchers cannot be written", { error });
      waiting?.reject(error);
    }
  }
}
