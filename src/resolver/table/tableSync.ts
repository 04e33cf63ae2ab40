import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import type { ServiceTable } from "./serviceTable.ts";
import type { TableStore } from "./tableStore.ts";

/** Interval at which the file is checked and counters are written, milliseconds. */
const POLL_MS = 1_000;
const FLUSH_MS = 10_000;

/**
 * Synchronises a table in memory with the one on disk, and writes its counters; closes the store at the end.
 */
export class TableSync implements Startable {
  readonly #table: ServiceTable;
  readonly #store: TableStore;
  readonly #now: () => number;
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  /** The counters of each rule at the last write. */
  #written = new Map<number, { matches: number; drops: number }>();
  #dataVersion = -1;
  #revision = -1;
  #loop: Promise<void> = Promise.resolve();

  /** @param dependencies.now Unix milliseconds. */
  constructor(dependencies: {
    table: ServiceTable;
    store: TableStore;
    now: () => number;
    timers: Timers;
    log: Logger;
  }) {
    this.#table = dependencies.table;
    this.#store = dependencies.store;
    this.#now = dependencies.now;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
  }

  async start(): Promise<void> {
    this.#read();
    this.#loop = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    try {
      this.#flush();
    } finally {
      this.#store.close();
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (let rounds = 1; !signal.aborted; rounds += 1) {
      try {
        await this.#timers.sleep(POLL_MS, signal);
        this.#read();
        if (rounds % (FLUSH_MS / POLL_MS) === 0) this.#flush();
      } catch (error) {
        // The table that was read last stays in force.
        if (!signal.aborted) this.#log.warn("cannot follow the service table", { error });
      }
    }
  }

  #read(): void {
    const dataVersion = this.#store.dataVersion();
    if (dataVersion === this.#dataVersion) return;
    const revision = this.#store.revision();
    if (revision !== this.#revision) {
      this.#table.load(this.#store.rules());
      this.#log.info("service table read", { rules: this.#table.size, revision });
    }
    // Set only after success, so that a failed read is tried again.
    [this.#dataVersion, this.#revision] = [dataVersion, revision];
  }

  #flush(): void {
    const written = new Map<number, { matches: number; drops: number }>();
    const added: { id: number; matches: number; drops: number }[] = [];
    for (const { id, matches, drops } of this.#table.counted()) {
      const before = this.#written.get(id) ?? { matches: 0, drops: 0 };
      written.set(id, { matches, drops });
      if (matches === before.matches) continue;
      added.push({ id, matches: matches - before.matches, drops: drops - before.drops });
    }
    if (added.length > 0) this.#store.addCounts(added, this.#now());
    this.#written = written;
  }
}
