import type { AddressInfo } from "node:net";
import { isAddressEqual, zeroAddress, type Hex } from "viem";
import { ChainAccess } from "../../chain/access.ts";
import { Challenges } from "../../chain/challenges.ts";
import { deploymentTag, type Deployment } from "../../chain/deployment.ts";
import { chosenDeployment } from "../../chain/networks.ts";
import { Services } from "../../chain/services.ts";
import { inOrder, late, type Startable } from "../../node/lifecycle.ts";
import { HeldLock } from "../../node/lock.ts";
import { silentLogger, type Logger } from "../../node/logger.ts";
import { createMetrics, type Metrics } from "../../node/metrics.ts";
import { systemScheduler } from "../../node/scheduler.ts";
import { systemTimers, wallSeconds } from "../../node/timers.ts";
import { within } from "../../node/within.ts";
import { hexToBytes } from "../../protocol/bytes.ts";
import { parseServiceId } from "../../protocol/serviceId.ts";
import { blockcloudDomain } from "../../protocol/typedData.ts";
import { salError } from "../../sal/errors.ts";
import { AgentHandoff } from "../handoff/agentHandoff.ts";
import { handedFront, type HandedFront } from "../handoff/handedFront.ts";
import { createGround } from "../publish/presence.ts";
import { ServiceCheck } from "../serviceCheck.ts";
import { checkDelegation, checkSubServiceKey } from "../subservice/createSubService.ts";
import { checkOptions } from "./checkOptions.ts";
import { FlowQueue, type IncomingFlow } from "./flowQueue.ts";
import type { Listener, ListenOptions, RecordPublisher } from "./listener.ts";
import { ListenerParts } from "./listenerParts.ts";
import { watchedPublisher } from "./watchedPublisher.ts";

const BACKLOG = 128;
const DRAIN_MS = 8_000;
const START_MS = 30_000;

/** A service of this process, without gateway and without transactions. */
export class ServiceListener implements Listener {
  readonly serviceId: Hex;
  readonly replaced: Promise<void>;
  readonly #options: ListenOptions;
  readonly #deployment: Deployment;
  readonly #chain: ChainAccess;
  readonly #log: Logger;
  readonly #queue: FlowQueue;
  /** With a state folder one process at a time publishes, and another one may take its place. */
  readonly #lock: HeldLock | undefined;
  readonly #front: HandedFront<ListenerParts>;
  /** The record and the payments: they move to the process that takes this one's place. */
  readonly #duties: Startable;
  /** The chain, what serves, and the duties, in this order. */
  readonly #parts: Startable;
  readonly #published = Promise.withResolvers<undefined>();
  readonly #stopping = new AbortController();
  /** Why the last record was not published. */
  #refusal: unknown;
  #starting: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;
  readonly #abort = () => {
    void this.#close(0, this.#options.signal?.reason);
  };

  /** @throws BlockcloudError as `listen`, for options that cannot be right. */
  constructor(serviceId: Hex, options: ListenOptions) {
    checkOptions(options);
    const deployment = chosenDeployment(options);
    if (deployment === undefined) {
      throw salError("options", "Neither network nor deployment is given, or both are.");
    }
    const { self } = parseServiceId(serviceId);
    this.serviceId = serviceId.toLowerCase() as Hex;
    if (!isAddressEqual(self, zeroAddress)) checkSubServiceKey(serviceId, options.key);
    this.#options = options;
    this.#deployment = deployment;
    this.#log = options.log ?? silentLogger;
    this.#queue = new FlowQueue(options.backlog ?? BACKLOG);
    const registry = createMetrics("listener");
    const log = this.#log;
    const timers = systemTimers;
    const { rpc, stateDir } = options;
    const rpcUrls = (typeof rpc === "string" || rpc instanceof URL ? [rpc] : rpc).map(String);
    this.#chain = new ChainAccess({ rpcUrls, deployment }, { timers, log, metrics: registry });
    const { network, parts } = this.#networkOf(registry);
    if (stateDir !== undefined) {
      const name = `listener-${this.serviceId}-${deploymentTag(deployment)}`;
      this.#lock = new HeldLock({ stateDir, name });
    }
    const { promise: replaced, resolve } = Promise.withResolvers<undefined>();
    this.replaced = replaced;
    const handoff =
      this.#lock &&
      this.#createHandoff(this.#lock, () => {
        resolve(undefined);
      });
    this.#front = this.#createFront(handoff, network);
    this.#duties = inOrder(
      ...parts,
      late(() => this.#front.parts?.publisher ?? inOrder()),
      late(() => this.#front.parts?.payTasks ?? inOrder()),
    );
    const unlock: Startable = {
      start: () => Promise.resolve(),
      stop: () => {
        this.#lock?.release();
        return Promise.resolve();
      },
    };
    const check: Startable = { start: () => this.#check(), stop: () => Promise.resolve() };
    this.#parts = inOrder(unlock, this.#chain, check, this.#front, this.#duties);
  }

  get address(): AddressInfo {
    const { parts } = this.#front;
    if (parts === undefined) throw salError("closed", "The listener has not started.");
    return parts.address;
  }

  get endpoints(): readonly string[] {
    return this.#front.parts?.endpoints ?? [];
  }

  get sessions(): number {
    return this.#front.parts?.provider.sessions ?? 0;
  }

  get flows(): number {
    return this.#front.parts?.provider.flows ?? 0;
  }

  /** Resolves when the record was published. */
  async start(): Promise<void> {
    const { signal, timeMs = START_MS } = this.#options;
    signal?.throwIfAborted();
    const over =
      signal === undefined
        ? this.#stopping.signal
        : AbortSignal.any([signal, this.#stopping.signal]);
    try {
      await within(
        { milliseconds: timeMs, timers: systemTimers, signal: over },
        async () => {
          this.#starting = this.#parts.start();
          await this.#starting;
          await this.#published.promise;
        },
        () =>
          salError(
            "unpublished",
            `No node of the record network took the record in ${timeMs} ms.`,
            {
              cause: this.#refusal,
            },
          ),
      );
      // It may have come since, and is not told again.
      signal?.throwIfAborted();
    } catch (error) {
      await this.#close(0, error);
      throw error;
    }
    signal?.addEventListener("abort", this.#abort, { once: true });
  }

  close(): Promise<void> {
    return this.#close(this.#options.drainMs ?? DRAIN_MS);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<IncomingFlow> {
    return this.#queue[Symbol.asyncIterator]();
  }

  #close(drainMs: number, error?: unknown): Promise<void> {
    this.#closed ??= this.#stop(drainMs, error);
    return this.#closed;
  }

  async #stop(drainMs: number, error: unknown): Promise<void> {
    this.#options.signal?.removeEventListener("abort", this.#abort);
    this.#queue.end(error);
    // Clients can still resume meanwhile, and the record still says where.
    await this.#front.parts?.provider.drain(drainMs);
    this.#stopping.abort(salError("closed", "The listener was closed."));
    // Parts that are starting must not start after those before them have stopped. Its error was told.
    await this.#starting.catch(() => undefined);
    await this.#parts.stop();
  }

  /** The service, as the chain knows it, must have this key: clients would refuse it otherwise. */
  async #check(): Promise<void> {
    const { client, time } = this.#chain;
    const { key, delegation = "0x" } = this.#options;
    const { serviceId } = this;
    const { prefix: number, self } = parseServiceId(serviceId);
    const deployment = this.#deployment;
    if (!isAddressEqual(self, zeroAddress)) {
      await checkDelegation(this.#chain, { deployment }, { number, serviceId, delegation });
      return;
    }
    const services = new Services(client, deployment);
    const challenges = new Challenges(client, deployment);
    const check = new ServiceCheck(
      { number, keys: [key] },
      { services, challenges, time, timers: systemTimers },
    );
    await check.run(this.#stopping.signal);
  }

  /** @param replaced Called when another process serves new clients. */
  #createHandoff(lock: HeldLock, replaced: () => void): AgentHandoff {
    const { chainId, contracts } = this.#deployment;
    return new AgentHandoff({
      process: {
        ...{ takeOver: this.#options.takeOver ?? false, lock: lock.options },
        takeLock: () => {
          lock.take();
        },
        given: () => {
          // The other process publishes, also for a start that has not ended.
          this.#published.resolve(undefined);
          lock.release();
          return Promise.resolve();
        },
        replaced,
        finished: () => {
          void this.#close(0);
        },
      },
      services: () => (this.#front.parts === undefined ? [] : [this.#front.parts.handoff]),
      stopDuties: () => this.#duties.stop(),
      // The service was checked on it before.
      hasChain: () => true,
      domain: blockcloudDomain(BigInt(chainId), contracts.registry),
      now: () => wallSeconds() * 1000,
      ...{ clock: systemScheduler, log: this.#log },
    });
  }

  #createFront(
    handoff: AgentHandoff | undefined,
    network: RecordPublisher,
  ): HandedFront<ListenerParts> {
    const { serviceId } = this;
    const { time } = this.#chain;
    const watched = watchedPublisher(network, {
      taken: () => {
        this.#published.resolve(undefined);
      },
      refused: (error) => {
        this.#refusal = error;
      },
    });
    const shared = {
      ...{ deployment: this.#deployment, chain: this.#chain, network: watched },
      ...{ queue: this.#queue, log: this.#log },
      now: () => Math.floor((time.isKnown ? time.now() : wallSeconds()) * 1000),
    };
    const keyed = { serviceId, keys: [hexToBytes(this.#options.key)] };
    return handedFront(handoff, keyed, (before) => {
      const left = { inherited: before?.inherited(serviceId), elsewhere: before };
      return new ListenerParts(serviceId, this.#options, { ...shared, ...left });
    });
  }

  #networkOf(registry: Metrics): { network: RecordPublisher; parts: Startable[] } {
    const { publisher, bootstrap = [], allowLoopback = false } = this.#options;
    if (publisher !== undefined) return { network: publisher, parts: [] };
    const { chainId, contracts } = this.#deployment;
    const coral = {
      ...{ chainId, registry: contracts.registry, listen: [], bootstrap, subscribe: false },
      allowPrivate: allowLoopback,
    };
    const { network, parts } = createGround(
      { deployment: this.#deployment, coral },
      { chain: this.#chain, timers: systemTimers, log: this.#log, registry },
    );
    return { network, parts: [parts] };
  }
}
