import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import path from "node:path";
import type { Hex } from "viem";
import { parsePrice } from "../../cashier/price.ts";
import type { ChainAccess } from "../../chain/access.ts";
import { deploymentTag, type Deployment } from "../../chain/deployment.ts";
import { isReachable } from "../../net/addresses.ts";
import { listen, listenToHandOver } from "../../node/listen.ts";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import { systemScheduler as clock } from "../../node/scheduler.ts";
import { systemTimers as timers, wallSeconds } from "../../node/timers.ts";
import { hexToBytes } from "../../protocol/bytes.ts";
import { parseServiceId } from "../../protocol/serviceId.ts";
import { blockcloudDomain, type Domain } from "../../protocol/typedData.ts";
import { parseEndpoint } from "../../sal/client/dialProven.ts";
import { salError } from "../../sal/errors.ts";
import type { Elsewhere } from "../../sal/handoff/elsewhere.ts";
import { SalAcceptor } from "../../sal/provider/salAcceptor.ts";
import { SalProvider } from "../../sal/provider/salProvider.ts";
import { parseRelay } from "../../sal/relay/relayName.ts";
import { createCertificate } from "../../sal/transport/certificate.ts";
import { HandedService } from "../handoff/handedService.ts";
import type { ServedParts } from "../handoff/handedFront.ts";
import { placeOf } from "../handoff/inherited.ts";
import type { InheritedService } from "../handoff/serviceHandoff.ts";
import { createOwnPay } from "../pay/ownPay.ts";
import type { ServicePay } from "../pay/createPay.ts";
import { Publisher } from "../publish/publisher.ts";
import { ReachableAddresses } from "../publish/reachable.ts";
import { createDirect } from "../relays/directService.ts";
import { RelayLines } from "../relays/relayLines.ts";
import { ProviderStore } from "../store.ts";
import type { FlowQueue } from "./flowQueue.ts";
import type { ListenOptions, RecordPublisher } from "./listener.ts";

export interface ListenerPartsDependencies {
  deployment: Deployment;
  chain: ChainAccess;
  network: RecordPublisher;
  /** The flows for the program. */
  queue: FlowQueue;
  /** The chain's time, Unix milliseconds; the host's before the first block. */
  now(): number;
  log: Logger;
  /** What the process before this one has left, and where its sessions are. */
  inherited: InheritedService | undefined;
  elsewhere: Elsewhere | undefined;
}

/** What serves the clients of a program: its port, its relays, its books, and the record. */
export class ListenerParts implements ServedParts {
  readonly provider: SalProvider;
  readonly handoff: HandedService;
  readonly front: Startable;
  readonly publisher: Startable;
  /** Redeems and closes tabs. */
  readonly payTasks: Startable | undefined;
  readonly #options: ListenOptions;
  readonly #d: ListenerPartsDependencies;
  readonly #server: Server;
  readonly #acceptor: SalAcceptor;
  readonly #pay: ServicePay | undefined;
  readonly #relays: RelayLines | undefined;
  readonly #direct: ReturnType<typeof createDirect> | undefined;
  readonly #store: ProviderStore;
  readonly #reachable = new ReachableAddresses({ timers });
  #address: AddressInfo | undefined;

  /** @throws BlockcloudError `PRICE_INVALID`; as `createOwnPay`, or if the store cannot be opened. */
  constructor(serviceId: Hex, options: ListenOptions, dependencies: ListenerPartsDependencies) {
    const { deployment, queue, now, log, inherited } = dependencies;
    this.#options = options;
    this.#d = dependencies;
    const key = hexToBytes(options.key);
    const domain = blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry);
    const ports = new Map(options.ports.map((port) => [port, queue.handler]));
    const { asksClient = false, limits = {}, delegation = "0x" } = options;
    this.#pay = this.#createPay(serviceId);
    this.#direct = this.#createDirect();
    const service = { serviceId, keys: [key], asksClient, ports };
    this.provider = new SalProvider(
      { service, domain, limits, pricing: this.#pay?.pricing, instance: inherited?.instance },
      { clock, log, now, direct: this.#direct?.direct },
    );
    this.provider.elsewhere = dependencies.elsewhere;
    this.#acceptor = new SalAcceptor(
      {
        certificate: createCertificate(wallSeconds() * 1000),
        provider: this.provider,
        // There is no HTTP here: a client that speaks it has lost its way.
        onHttp: (socket) => socket.destroy(),
      },
      { clock, log },
    );
    this.#server = createServer((socket) => {
      this.#acceptor.accept(socket);
    });
    this.#relays = this.#relaysOf({ serviceId, key, domain });
    this.#store = this.#openStore(serviceId);
    this.payTasks = this.#pay?.tasks;
    this.publisher = this.#createPublisher({ serviceId, key, delegation, domain });
    this.front = { start: () => this.#start(), stop: () => this.#stop() };
    const at = () => this.address;
    this.handoff = new HandedService(
      { serviceId, keys: [key], sal: this.provider },
      {
        gateways: {
          get address() {
            return at();
          },
          // All that it serves are flows.
          isServing: false,
          leave: () => this.#leave(),
        },
        // It is moved by its program.
        whereabouts: { followed: 0 },
        ...{ relays: this.#relays, direct: this.#direct, pay: this.#pay, clock, log },
      },
    );
  }

  /** Where it listens, or has listened until another process took its place. */
  get address(): AddressInfo {
    if (this.#address !== undefined) return this.#address;
    throw salError("closed", "The listener does not listen.");
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

  async #start(): Promise<void> {
    const { host = "0.0.0.0", port = 0, stateDir } = this.#options;
    const place = placeOf({ host, port }, this.#d.inherited, this.#d.log);
    const refuse = (cause: unknown) =>
      salError("listen", `Cannot listen on ${place.host}:${place.port}.`, { cause });
    if (stateDir === undefined) await listen(this.#server, place, refuse);
    else await listenToHandOver(this.#server, place, place.joins ?? false, refuse);
    this.#address = this.#server.address() as AddressInfo;
    await this.#direct?.part.start();
    await this.#relays?.start();
  }

  /** Another process listens at the port. */
  async #leave(): Promise<void> {
    // What the system has accepted meanwhile is in the server's hands after this turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    this.#server.close();
  }

  async #stop(): Promise<void> {
    await this.#relays?.stop();
    await this.#direct?.part.stop();
    this.provider.stop();
    const closed = this.#server.listening ? once(this.#server, "close") : undefined;
    this.#server.close();
    this.#acceptor.stop();
    await closed;
    this.#address = undefined;
    this.#store.close();
    await this.#pay?.close();
  }

  #createPublisher(lease: ConstructorParameters<typeof Publisher>[0]): Publisher {
    const { network, now, log } = this.#d;
    return new Publisher(lease, {
      ...{ network, store: this.#store, now, timers, log },
      whereabouts: {
        endpoints: () => this.endpoints.map((uri, priority) => ({ uri, priority, weight: 1 })),
        follow: () => Promise.resolve(undefined),
      },
      moved: (record) => {
        this.provider.migrate(Buffer.from(hexToBytes(record)));
      },
    });
  }

  #relaysOf(signing: { serviceId: Hex; key: Uint8Array; domain: Domain }): RelayLines | undefined {
    const { relays = [], delegation = "0x" } = this.#options;
    if (relays.length === 0) return undefined;
    const { now, log } = this.#d;
    const { instance } = this.provider;
    const addresses = relays.flatMap((relay) => parseRelay(relay) ?? []);
    return new RelayLines(
      { relays: addresses },
      { ...signing, delegation, instance },
      {
        ...{ clock, log, now },
        accept: (socket, visitor, ends) => {
          this.#acceptor.acceptRelayed(socket, visitor, ends);
        },
      },
    );
  }

  #createDirect(): ReturnType<typeof createDirect> | undefined {
    const { relays = [], direct = {} } = this.#options;
    if (relays.length === 0) return undefined;
    const listening = () => (this.#server.address() as AddressInfo | null) ?? undefined;
    const accept = (socket: Socket) => {
      this.#acceptor.accept(socket);
    };
    return createDirect(direct, { clock, log: this.#d.log }, { listening, accept });
  }

  #createPay(serviceId: Hex): ServicePay | undefined {
    const { pay, stateDir, key: serviceKey } = this.#options;
    if (pay === undefined || stateDir === undefined) return undefined;
    const { deployment, chain, now, log } = this.#d;
    const { prefix: number } = parseServiceId(serviceId);
    const price = typeof pay.price === "string" ? parsePrice(pay.price) : pay.price;
    return createOwnPay(
      { number, serviceKey, pay: { ...pay, price }, isHttp: false },
      { deployment, chain, now, stateDir, timers },
      log,
    );
  }

  #openStore(serviceId: Hex): ProviderStore {
    const { stateDir } = this.#options;
    if (stateDir === undefined) return new ProviderStore(":memory:");
    const name = `listener-${serviceId}-${deploymentTag(this.#d.deployment)}.sqlite`;
    return new ProviderStore(path.join(stateDir, name));
  }
}
