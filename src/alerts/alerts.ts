import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { AlertReader } from "./reader.ts";
import type { AlertStore, Outgoing } from "./store.ts";
import type { Webhook } from "./webhook.ts";

/** Pauses before a delivery is tried again, seconds; after the last one it is given up. */
const PAUSES_S = [5, 30, 120, 600, 1_800, 3_600, 7_200];
const LONGEST_S = Math.max(...PAUSES_S);

export interface AlertsDependencies {
  reader: Pick<AlertReader, "subjects" | "moment" | "gasPrice">;
  store: AlertStore;
  webhook: Pick<Webhook, "deliver">;
  /** Unix seconds, by this host's clock. */
  now(): number;
  timers: Timers;
  log: Logger;
}

/** Watches subjects on chain, and tells a webhook once when something needs the operator, and once when it is over. */
export class Alerts implements Startable {
  readonly #everyMs: number;
  readonly #d: AlertsDependencies;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(options: { everyMs: number }, dependencies: AlertsDependencies) {
    this.#everyMs = options.everyMs;
    this.#d = dependencies;
  }

  start(): Promise<void> {
    this.#loop = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  /**
   * Looks at all subjects, and delivers what is due, also while the chain cannot be read. A subject that cannot be read
   * keeps its state.
   */
  async round(): Promise<void> {
    try {
      await this.#look();
    } finally {
      await this.deliver();
    }
  }

  async #look(): Promise<void> {
    const { reader, store, log } = this.#d;
    const [moment, gasPrice] = await Promise.all([reader.moment(), reader.gasPrice()]);
    for (const { name, read } of reader.subjects) {
      this.#stopping.signal.throwIfAborted();
      try {
        const conditions = await read(moment, gasPrice);
        const at = { epoch: moment.epoch, at: moment.timestamp };
        for (const { event, key, text } of store.take(name, conditions, at)) {
          if (event === "fired") log.warn("alert", { key, text });
          else log.info("alert is over", { key, was: text });
        }
      } catch (error) {
        log.warn("a subject of alerts cannot be read, trying again", { subject: name, error });
      }
    }
  }

  /** Delivers what is due, in order. */
  async deliver(): Promise<void> {
    const { store, now } = this.#d;
    for (;;) {
      const next = store.due(now(), LONGEST_S);
      if (next === undefined) return;
      this.#stopping.signal.throwIfAborted();
      await this.#deliver(next);
    }
  }

  async #deliver(message: Outgoing): Promise<void> {
    const { store, webhook, now, log } = this.#d;
    try {
      await webhook.deliver(message.body, Math.floor(now()));
      store.done(message);
    } catch (error) {
      const { code, remedy } =
        error instanceof BlockcloudError
          ? error
          : { code: "an unexpected error", remedy: "Check what receives the alerts." };
      const pause = PAUSES_S[message.tries];
      if (pause === undefined) {
        store.done(message);
        log.error("an alert is given up: its webhook does not take it", { code, remedy });
        return;
      }
      store.again(message, now() + pause);
      log.warn("the webhook does not take an alert, trying again", {
        ...{ code, remedy, seconds: pause },
      });
    }
  }

  async #run(): Promise<void> {
    const { timers, log } = this.#d;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.round();
      } catch (error) {
        if (signal.aborted) return;
        log.warn("the round of alerts failed, trying again", { error });
      }
      await timers.sleep(this.#everyMs, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }
}
