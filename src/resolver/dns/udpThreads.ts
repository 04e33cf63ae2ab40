import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { Resolver } from "../answer.ts";
import type { Finder } from "./finder.ts";
import type { DnsObserver } from "./tally.ts";
import type { FromThread, ThreadData, ToThread } from "./threadMessages.ts";

export interface UdpThreadsDependencies {
  resolver: Pick<Resolver, "watchAll">;
  finder: Pick<Finder, "find">;
  /** Unix milliseconds of the chain's time. */
  now(): number;
  observer: DnsObserver;
  log: Logger;
}

/**
 * Threads that answer DNS over UDP beside the main one, at the same address (SO_REUSEPORT): the kernel deals
 * clients out among them. Each keeps answers of its own, asks here for those that it has not, and is told of
 * every change.
 */
export class UdpThreads implements Startable {
  readonly #count: number;
  readonly #data: ThreadData;
  readonly #d: UdpThreadsDependencies;
  #workers: Worker[] = [];
  #unwatch: (() => void) | undefined;

  /** @param data.listen Where the main thread listens. */
  constructor(count: number, data: ThreadData, dependencies: UdpThreadsDependencies) {
    this.#count = count;
    this.#data = data;
    this.#d = dependencies;
  }

  /** @throws BlockcloudError `DNS_LISTEN`. */
  async start(): Promise<void> {
    this.#unwatch = this.#d.resolver.watchAll((serviceId) => {
      for (const worker of this.#workers) tell(worker, { kind: "changed", serviceId });
    });
    await Promise.all(Array.from({ length: this.#count }, () => this.#startOne()));
  }

  async stop(): Promise<void> {
    this.#unwatch?.();
    const ending = this.#workers.map(async (worker) => {
      const ended = once(worker, "exit");
      tell(worker, { kind: "stop" });
      await ended;
    });
    this.#workers = [];
    await Promise.all(ending);
  }

  async #startOne(): Promise<void> {
    const worker = new Worker(new URL("./udpThread.ts", import.meta.url), {
      workerData: this.#data,
    });
    const listening = Promise.withResolvers<undefined>();
    worker.on("message", (message: FromThread) => {
      if (message.kind === "listening") listening.resolve(undefined);
      else if (message.kind === "failed") listening.reject(cannotListen(message.message));
      else this.#hear(worker, message);
    });
    worker.on("error", (error: Error) => {
      this.#workers = this.#workers.filter((each) => each !== worker);
      this.#d.log.error("a DNS thread failed, the others go on", { error });
      listening.reject(cannotListen(error.message));
    });
    this.#workers.push(worker);
    await listening.promise;
  }

  #hear(worker: Worker, message: FromThread): void {
    const { finder, now, observer } = this.#d;
    switch (message.kind) {
      case "find": {
        const { id, labels, type, questionClass } = message;
        void finder.find(labels, type, questionClass).then((finding) => {
          tell(worker, { kind: "found", id, finding, now: now() });
        });
        break;
      }
      case "answered":
        observer.answered(...message.args);
        break;
      case "took":
        observer.took(...message.args);
        break;
      case "limited":
        observer.limited(...message.args);
        break;
    }
  }
}

function tell(worker: Worker, message: ToThread): void {
  worker.postMessage(message);
}

function cannotListen(why: string): BlockcloudError {
  return new BlockcloudError("DNS_LISTEN", `A DNS thread cannot answer: ${why}.`, {
    remedy: "Start with --dns-threads 1.",
  });
}
