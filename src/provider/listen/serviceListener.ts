import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import path from "node:path";
import { isAddressEqual, zeroAddress, type Hex } from "viem";
import { parsePrice } from "../../cashier/price.ts";
import { ChainAccess } from "../../chain/access.ts";
import { Challenges } from "../../chain/challenges.ts";
import { deploymentTag, type Deployment } from "../../chain/deployment.ts";
import { chosenDeployment } from "../../chain/networks.ts";
import { Services } from "../../chain/services.ts";
import { isReachable } from "../../net/addresses.ts";
import { listen } from "../../node/listen.ts";
import { inOrder, type Startable } from "../../node/lifecycle.ts";
import { silentLogger, type Logger } from "../../node/logger.ts";
import { createMetrics } from "../../node/metrics.ts";
import { systemScheduler } from "../../node/scheduler.ts";
import { systemTimers, wallSeconds } from "../../node/timers.ts";
import { within } from "../../node/within.ts";
import { hexToBytes } from "../../protocol/bytes.ts";
import { parseServiceId } from "../../protocol/serviceId.ts";
import { blockcloudDomain, type Domain } from "../../protocol/typedData.ts";
import { parseEndpoint } from "../../sal/client/dialProven.ts";
import { salError } from "../../sal/errors.ts";
import { SalAcceptor } from "../../sal/provider/salAcceptor.ts";
import { SalProvider } from "../../sal/provider/salProvider.ts";
import { parseRelay } from "../../sal/relay/relayName.ts";
import { createCertificate } from "../../sal/transport/certificate.ts";
import { createDirect } from "../relays/directService.ts";
import { RelayLines } from "../relays/relayLines.ts";
import { createOwnPay } from "../pay/ownPay.ts";
import type { ServicePay } from "../pay/createPay.ts";
import { createGround } from "../publish/presence.ts";
import { Publisher } from "../publish/publisher.ts";
import { ReachableAddresses } from "../publish/reachable.ts";
import { ServiceCheck } from "../serviceCheck.ts";
import { ProviderStore } from "../store.ts";
import { checkDelegation, checkSubServiceKey } from "../subservice/createSubService.ts";
import { checkOptions } from "./checkOptions.ts";
import { FlowQueue, type IncomingFlow } from "./flowQueue.ts";
import type { Listener, ListenOptions, RecordPublisher } from "./listener.ts";
import { watchedPublisher } from "./watchedPublisher.ts";

const BACKLOG = 128;
const DRAIN_MS = 8_000;
const START_MS = 30_000;

/** A service of this process, without gateway and without transactions. */
export class ServiceListener implements Listener {
  readonly serviceId: Hex;
  readonly #options: ListenOptions;
  readonly #deployment: Deployment;
  readonly #chain: ChainAccess;
  readonly #log: Logger;
  readonly #queue: FlowQueue;
  readonly #provider: SalProvider;
  readonly #acceptor: SalAcceptor;
  readonly #pay: ServicePay | undefined;
  readonly #server: Server;
  readonly #relays: RelayLines | undefined;
  readonly #direct: ReturnType<typeof createDirect> | undefined;
  readonly #reachable = new ReachableAddresses({ timers: systemTimers });
  /** The chain, the record network and the record, in this order. */
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
    const { rpc } = options;
    const rpcUrls = (typeof rpc === "string" || rpc instanceof URL ? [rpc] : rpc).map(String);
    this.#chain = new ChainAccess({ rpcUrls, deployment }, { timers, log, metrics: registry });
    const { time } = this.#chain;
    const now = () => Math.floor((time.isKnown ? time.now() : wallSeconds()) * 1000);
    const key = hexToBytes(options.key);
    const domain = blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry);
    const ports = new Map(options.ports.map((port) => [port, this.#queue.handler]));
    const { asksClient = false, limits = {} } = options;
    const clock = systemScheduler;
    this.#pay = this.#createPay(now);
    const pricing = this.#pay?.pricing;
    const service = { serviceId: this.serviceId, keys: [key], asksClient, ports };
    this.#direct = this.#createDirect();
    this.#provider = new SalProvider(
      { service, domain, limits, pricing },
      { clock, log, now, direct: this.#direct?.direct },
    );
    const certificate = createCertificate(wallSeconds() * 1000);
    this.#acceptor = new SalAcceptor(
      // There is no HTTP here: a client that speaks it has lost its way.
      { certificate, provider: this.#provider, onHttp: (socket) => socket.destroy() },
      { clock, log },
    );
    this.#server = createServer((socket) => {
      this.#acceptor.accept(socket);
    });
    this.#relays = this.#relaysOf({ key, domain }, now);
    const { network, parts } = this.#networkOf(registry);
    const store = this.#openStore();
    const publisher = new Publisher(
      { serviceId: this.serviceId, key, delegation: options.delegation ?? "0x", domain },
      {
        ...{ store, now, timers, log },
        network: watchedPublisher(network, {
          taken: () => {
            this.#published.resolve(undefined);
          },
          refused: (error) => {
            this.#refusal = error;
          },
        }),
        whereabouts: {
          endpoints: () => this.endpoints.map((uri, priority) => ({ uri, priority, weight: 1 })),
          follow: () => Promise.resolve(undefined),
        },
        moved: (record) => {
          this.#provider.migrate(Buffer.from(hexToBytes(record)));
        },
      },
    );
    const closing: Startable = {
      start: () => Promise.resolve(),
      stop: async () => {
        store.close();
        await this.#pay?.close();
      },
    };
    this.#parts = inOrder(
      closing,
      this.#chain,
      { start: () => this.#check(), stop: () => Promise.resolve() },
      { start: () => this.#listen(), stop: () => this.#stopServing() },
      ...parts,
      publisher,
      this.#pay?.tasks ?? inOrder(),
    );
  }

  get address(): AddressInfo {
    const address = this.#server.address();
    if (address !== null && typeof address === "object") return address;
    throw salError("closed", "The listener was closed.");
  }

  get endpoints(): readonly string[] {
    const { endpoint } = this.#options;
    const relayed = this.#relays?.endpoints() ?? [];
    if (endpoint !== undefined) return [endpoint, ...relayed];
    const own = this.#reachable.at(this.address).map((at) => `sal://${at}`);
    // Beside relays, addresses that no stranger reaches are of no use.
    const open = (uri: string) => isReachable(parseEndpoint(uri).host, false);
    return this.#relays === undefined ? own : [...own.filter(open), ...relayed];
  }

  get sessions(): number {
    return this.#provider.sessions;
  }

  get flows(): number {
    return this.#provider.flows;
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
    await this.#provider.drain(drainMs);
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

  async #listen(): Promise<void> {
    const { host = "0.0.0.0", port = 0 } = this.#options;
    await listen(this.#server, { host, port }, (cause) =>
      salError("listen", `Cannot listen on ${host}:${port}.`, { cause }),
    );
    await this.#direct?.part.start();
    await this.#relays?.start();
  }

  #relaysOf(signing: { key: Uint8Array; domain: Domain }, now: () => number) {
    const { relays = [], delegation = "0x" } = this.#options;
    if (relays.length === 0) return undefined;
    const { serviceId } = this;
    const { instance } = this.#provider;
    const terms = { ...signing, serviceId, delegation, instance };
    const addresses = relays.flatMap((relay) => parseRelay(relay) ?? []);
    return new RelayLines({ relays: addresses }, terms, {
      ...{ clock: systemScheduler, log: this.#log, now },
      accept: (socket, visitor, ends) => {
        this.#acceptor.acceptRelayed(socket, visitor, ends);
      },
    });
  }

  #createDirect(): ReturnType<typeof createDirect> | undefined {
    const { relays = [], direct = {} } = this.#options;
    if (relays.length === 0) return undefined;
    const listening = () => (this.#server.address() as AddressInfo | null) ?? undefined;
    const accept = (socket: Socket) => {
      this.#acceptor.accept(socket);
    };
    return createDirect(direct, { clock: systemScheduler, log: this.#log }, { listening, accept });
  }

  async #stopServing(): Promise<void> {
    await this.#relays?.stop();
    await this.#direct?.part.stop();
    this.#provider.stop();
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#acceptor.stop();
    await closed;
  }

  /** @throws BlockcloudError of {@link createOwnPay}, and `PRICE_INVALID`. */
  #createPay(now: () => number): ServicePay | undefined {
    const { pay, stateDir } = this.#options;
    if (pay === undefined || stateDir === undefined) return undefined;
    const { prefix: number } = parseServiceId(this.serviceId);
    const price = typeof pay.price === "string" ? parsePrice(pay.price) : pay.price;
    return createOwnPay(
      { number, serviceKey: this.#options.key, pay: { ...pay, price }, isHttp: false },
      { deployment: this.#deployment, chain: this.#chain, now, stateDir, timers: systemTimers },
      this.#log,
    );
  }

  #networkOf(registry: ReturnType<typeof createMetrics>): {
    network: RecordPublisher;
    parts: Startable[];
  } {
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

  #openStore(): ProviderStore {
    const { stateDir } = this.#options;
    if (stateDir === undefined) return new ProviderStore(":memory:");
    const name = `listener-${this.serviceId}-${deploymentTag(this.#deployment)}.sqlite`;
    return new ProviderStore(path.join(stateDir, name));
  }
}
