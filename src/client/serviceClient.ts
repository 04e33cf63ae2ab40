import type { Hex } from "viem";
import { raceSignal } from "race-signal";
import type { Deployment } from "../chain/deployment.ts";
import type { Resolve } from "../net/resolve.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";

import { within } from "../node/within.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { HTTP_PORT } from "../protocol/exchange.ts";
import { canonicalName } from "../protocol/name.ts";
import { ReceiptSigner } from "../protocol/receipt.ts";
import { blockcloudDomain } from "../protocol/typedData.ts";
import type { Answer, Change } from "../resolver/answer.ts";
import type { ResolveSource } from "../resolver/sources.ts";
import type { Agent } from "node:http";
import { DialRules } from "../net/dialRules.ts";
import { systemScheduler, type Scheduler } from "../node/scheduler.ts";
import { wallSeconds } from "../node/timers.ts";
import type { PathObserver } from "../sal/client/dependencies.ts";
import { ResolveLocator } from "../sal/client/resolveLocator.ts";
import { SalClient, type SalClientOptions } from "../sal/client/salClient.ts";
import { Payer, type PayerOptions } from "../sal/pay/payer.ts";
import { FlowAgent } from "../sal/flowAgent.ts";
import type { Flow } from "../sal/session/flow.ts";
import { directPaths } from "../sal/upgrade/directPaths.ts";
import type { DirectSettings } from "../sal/upgrade/settings.ts";
import { TlsTransport } from "../sal/transport/tlsTransport.ts";
import type { Client, ConnectOptions, SessionView } from "./client.ts";
import { clientClosed } from "./errors.ts";
import { writeQuestion, type ServiceRequestInit } from "./question.ts";
import type { ServiceResponse } from "./response.ts";
import { askService, type FetchLimits } from "./serviceFetch.ts";
import { readTarget } from "./target.ts";
import { watchService } from "./watch.ts";

export interface ServiceClientDependencies {
  /** Creates a new source; called again if one failed to start. */
  createSource(): ResolveSource;
  timers: Timers;
  log: Logger;
  resolveHost?: Resolve | undefined;
  clock?: Scheduler | undefined;
  observer?: PathObserver | undefined;
  /** Pays for services that have a price. */
  payer?: PayerOptions | undefined;
}

/** A client over a source of answers, which it starts at its first use and stops when it is closed. */
export class ServiceClient implements Client {
  readonly #limits: FetchLimits;
  readonly #dependencies: ServiceClientDependencies;
  readonly #receipts: ReceiptSigner;
  readonly #sal: SalClient;
  readonly #closing = new AbortController();
  /** The next source to start. It is created early, so that wrong options are reported at once. */
  #fresh: ResolveSource | undefined;
  #started: Promise<ResolveSource> | undefined;
  #closed: Promise<void> | undefined;

  constructor(
    options: {
      deployment: Deployment;
      limits: FetchLimits;
      sal?: SalClientOptions;
      direct?: DirectSettings;
    },
    dependencies: ServiceClientDependencies,
  ) {
    const { chainId, contracts } = options.deployment;
    const domain = blockcloudDomain(BigInt(chainId), contracts.registry);
    this.#limits = options.limits;
    this.#dependencies = dependencies;
    this.#receipts = new ReceiptSigner(domain);
    this.#fresh = dependencies.createSource();
    const { log, resolveHost, clock = systemScheduler, observer, payer } = dependencies;
    const { allowLoopback } = options.limits;
    const source = () => this.#source(this.#closing.signal);
    const rules = new DialRules({ allowLoopback }, resolveHost);
    this.#sal = new SalClient(options.sal ?? {}, {
      ...{ clock, log, domain, observer, receipts: this.#receipts },
      transport: new TlsTransport(rules),
      direct: directPaths(options.direct ?? {}, { clock, rules }),
      locator: new ResolveLocator({ domain }, { source, clock }),
      now: () => wallSeconds() * 1000,
      payer: payer && new Payer(payer),
    });
  }

  async resolve(service: string, options: { signal?: AbortSignal } = {}): Promise<Answer> {
    return this.#ask(canonicalName(service), this.#signal(options.signal));
  }

  async *watch(
    service: string,
    options: { signal?: AbortSignal } = {},
  ): AsyncGenerator<Change, void, undefined> {
    const name = canonicalName(service);
    const signal = this.#signal(options.signal);
    const source = await this.#source(signal);
    yield* watchService(source, name, this.#dependencies.timers, signal);
  }

  async fetch(input: string | URL, init: ServiceRequestInit = {}): Promise<ServiceResponse> {
    const { timers, resolveHost, payer } = this.#dependencies;
    const pays = payer !== undefined;
    const { timeMs = this.#limits.timeMs, maxBytes = this.#limits.maxBytes } = init;
    const { service, path } = readTarget(input);
    const started = timers.monotonic();
    return within(
      { milliseconds: timeMs, timers, signal: this.#signal(init.signal) },
      async (signal) => {
        const question = await writeQuestion(init);
        const answer = await this.#ask(service, signal);
        const left = Math.max(1, timeMs - (timers.monotonic() - started));
        const limits = { ...this.#limits, timeMs: left, maxBytes };
        const connect = (id: Hex, over: AbortSignal) => this.#sal.connect(id, HTTP_PORT, over);
        const dependencies = { timers, receipts: this.#receipts, resolveHost, connect, pays };
        return askService(answer, path, question, limits, dependencies, signal);
      },
      () => timeIsOver(timeMs),
    );
  }

  async connect(service: string, options: ConnectOptions): Promise<Flow> {
    const { port, signal } = options;
    return this.#sal.connect(canonicalName(service), port, signal);
  }

  agent(): Agent {
    return new FlowAgent((host, port) => {
      return this.#sal.connect(canonicalName(host), port, AbortSignal.timeout(this.#limits.timeMs));
    }, true);
  }

  get sessions(): readonly SessionView[] {
    return this.#sal.sessions.map(({ serviceId, endpoint, path, receipt, flows }) => ({
      ...{ serviceId, endpoint, path, receipt, flows },
    }));
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#closing.abort(clientClosed());
    await this.#sal.settle(clientClosed());
    this.#sal.close(clientClosed());
    // A source that failed to start has stopped itself.
    const source = await this.#started?.catch(() => undefined);
    await source?.stop();
  }

  async #ask(service: string, signal: AbortSignal): Promise<Answer> {
    const source = await this.#source(signal);
    return (await raceSignal(source.ask(service, signal), signal)).answer;
  }

  async #source(signal: AbortSignal): Promise<ResolveSource> {
    signal.throwIfAborted();
    this.#started ??= this.#start();
    return raceSignal(this.#started, signal);
  }

  async #start(): Promise<ResolveSource> {
    const source = this.#fresh ?? this.#dependencies.createSource();
    this.#fresh = undefined;
    try {
      await source.start();
      return source;
    } catch (error) {
      // The next call tries again.
      this.#started = undefined;
      await source.stop().catch((cause: unknown) => {
        this.#dependencies.log.warn("a started part could not be stopped", { error: cause });
      });
      throw error;
    }
  }

  #signal(own: AbortSignal | undefined): AbortSignal {
    const { signal } = this.#closing;
    return own === undefined ? signal : AbortSignal.any([signal, own]);
  }
}

function timeIsOver(timeMs: number): BlockcloudError {
  return new BlockcloudError("REQUEST_TIMEOUT", `The request took longer than ${timeMs} ms.`, {
    retryable: true,
    remedy: "Try again, or raise timeMs.",
  });
}
