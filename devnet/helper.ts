import type { WorkerProcess } from "./worker.ts";

/** How often a helper is started again. */
const MOST_STARTS = 3;

type Process = Pick<WorkerProcess, "name" | "running" | "ending">;

/** A process without which the demo goes on, as the index and the console: if it ends, it is started again. */
export class Helper<P extends Process = WorkerProcess> {
  readonly #workers: P[];
  readonly #start: () => P;
  /** Undefined when it stays away. */
  #worker: P | undefined;
  #starts = 0;

  /**
   * @param worker Runs already.
   * @param workers All processes of the run; the helper's own one is always among them.
   * @param start Starts it again, at the same address.
   */
  constructor(worker: P, workers: P[], start: () => P) {
    this.#worker = worker;
    this.#workers = workers;
    this.#start = start;
  }

  /**
   * Starts it again if it has ended.
   *
   * @returns What has happened, as text; undefined if nothing has.
   */
  mend(): string | undefined {
    const worker = this.#worker;
    if (worker === undefined || worker.running) return undefined;
    this.#workers.splice(this.#workers.indexOf(worker), 1);
    const what = `the ${worker.name} ended: ${worker.ending};`;
    this.#worker = undefined;
    if (this.#starts >= MOST_STARTS) return `${what} the demo goes on without it`;
    this.#starts += 1;
    this.#worker = this.#start();
    this.#workers.push(this.#worker);
    return `${what} it starts again`;
  }
}
