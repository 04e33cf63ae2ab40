import type { AddressInfo } from "node:net";
import type { Hex } from "viem";
import type { Connections } from "../../../net/connections.ts";
import { boundedTable } from "../../../node/boundedTable.ts";
import { RateLimit } from "../../../node/rateLimit.ts";
import { within } from "../../../node/within.ts";
import { BlockcloudError } from "../../../protocol/errors.ts";
import { resolveErrors } from "../../../resolver/answer.ts";
import { dnsLimits } from "../../../resolver/dns/dnsFront.ts";
import { DnsServer } from "../../../resolver/dns/dnsServer.ts";
import type { DnsObserver } from "../../../resolver/dns/tally.ts";
import { codeOf, type ProxyContext } from "../context.ts";
import type { Terminator } from "../https/terminator.ts";
import { MappedFront } from "./mappedFront.ts";
import { MappedListeners, probeListen } from "./mappedListeners.ts";
import { Mappings } from "./mappings.ts";
import { MappedZone } from "./mappedZone.ts";
import type { MapStore } from "./mapStore.ts";
import { addressText, ownAddress, type MapRange } from "./range.ts";

/** How long the service of a name is remembered, milliseconds; a program may keep its address as long. */
const NAME_MS = 30_000;
const MAX_NAMES = 10_000;
/** How often another process's mappings are looked for, milliseconds: `proxy hosts` makes some. */
const LOOK_MS = 1_000;

export interface MappedProxyOptions {
  range: MapRange;
  ports: readonly number[];
  /** Where the proxy's DNS listens. */
  dns: { host: string; port: number };
  /** Addresses at which the proxy listens at a time. */
  maxAddresses: number;
  /** Services that may be newly mapped in a minute; 0 for no limit. */
  newPerMinute: number;
  /** Secret seed of the DNS server's hashes. */
  seed: number;
}

/** What the owner of a proxy gives for its mapped addresses. */
export interface MapEnvironment {
  store: MapStore;
  /**
   * The service of a name in the form of `canonicalName`.
   *
   * @throws BlockcloudError with a code of `resolveErrors`.
   */
  serviceOf(name: string, signal: AbortSignal): Promise<Hex>;
  /** Unix seconds. */
  now(): number;
  dnsObserver: DnsObserver;
  /** Ends TLS at port 443 of mapped addresses. */
  terminator?: Terminator | undefined;
  /** Mappings and addresses with listeners. */
  changed?(mappings: number, listening: number): void;
}

/** Services at loopback addresses, for programs that know neither a proxy nor a service ID. */
export class MappedProxy {
  readonly #options: MappedProxyOptions;
  readonly #environment: MapEnvironment;
  readonly #context: ProxyContext;
  readonly #mappings: Mappings;
  readonly #listeners: MappedListeners;
  readonly #front: MappedFront;
  readonly #dns: DnsServer;
  readonly #names = boundedTable<string, { serviceId: Hex; until: number }>(MAX_NAMES);
  readonly #stopping = new AbortController();
  #looking: Promise<void> = Promise.resolve();

  constructor(
    options: MappedProxyOptions,
    environment: MapEnvironment,
    { context, connections }: { context: ProxyContext; connections: Connections },
  ) {
    this.#options = options;
    this.#environment = environment;
    this.#context = context;
    const { timers, logger } = context;
    const { newPerMinute, range, ports, maxAddresses } = options;
    const rate = new RateLimit(
      { perSecond: newPerMinute / 60, burst: newPerMinute, maxPeers: 1 },
      () => timers.monotonic(),
    );
    this.#listeners = new MappedListeners(
      { ports, maxAddresses },
      {
        accept: (socket, address, port) => {
          const mapping = this.#mappings.at(address);
          if (mapping === undefined) {
            socket.destroy();
            return;
          }
          this.#mappings.used(mapping);
          void this.#front.serve(socket, { serviceId: mapping.serviceId, port });
        },
        isPinned: (address) => this.#mappings.at(address)?.pinned === true,
        monotonic: () => timers.monotonic(),
        logger,
      },
    );
    this.#mappings = new Mappings(range, {
      store: environment.store,
      now: () => environment.now(),
      isInUse: (address) => this.#listeners.isInUse(address),
      mayMap: () => newPerMinute === 0 || rate.take("") === 0,
    });
    const serviceOf = (name: string) => this.#serviceOf(name);
    this.#front = new MappedFront({
      context,
      connections,
      serviceOf,
      terminator: environment.terminator,
    });
    context.secure = {
      takes: (target) => this.#front.takes(target),
      serve: (client, host) => this.#front.serveTunnel(client, host),
    };
    const onFault = (error: unknown) => {
      logger.error("a DNS query failed", { cause: codeOf(error) });
    };
    this.#dns = new DnsServer(
      { listen: options.dns, answersPerSecond: 0, seed: options.seed, limits: dnsLimits },
      {
        zone: new MappedZone({
          serviceOf,
          addressOf: (serviceId, name) => this.#addressOf(serviceId, name),
          onFault,
        }),
        // Its answers are not cached: each query tells that the address is in use.
        resolver: { watchAll: () => () => {} },
        now: () => environment.now() * 1000,
        ...{ timers, log: logger, observer: environment.dnsObserver },
      },
    );
  }

  /** Where the DNS listens; known once it has started. */
  get dns(): AddressInfo {
    return this.#dns.address;
  }

  /** @throws BlockcloudError `PROXY_MAP_LISTEN`, `DNS_LISTEN`. */
  async start(): Promise<void> {
    const { range, ports } = this.#options;
    await probeListen(ownAddress(range), ports);
    await this.#openKnown();
    await this.#dns.start();
    this.#looking = this.#look();
    const { address, port } = this.#dns.address;
    const { logger } = this.#context;
    logger.info("Proxy maps", { range: range.text, ports, dns: `${address}:${port}` });
  }

  /** Stops to answer and to listen; open connections are the proxy's. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#looking;
    await this.#dns.stop();
    await this.#listeners.stop();
  }

  /** Programs keep addresses over a restart: those that were used last are open at once, and those of hosts files. */
  async #openKnown(): Promise<void> {
    const known = this.#mappings.all;
    const pinned = known.filter(({ pinned: isPinned }) => isPinned);
    const others = known.filter(({ pinned: isPinned }) => !isPinned);
    for (const { address } of [...pinned, ...others].slice(0, this.#options.maxAddresses)) {
      await this.#open(address);
    }
    this.#tell();
  }

  async #open(address: number): Promise<void> {
    try {
      await this.#listeners.open(address);
    } catch (error) {
      // The next query for the name tries again, and says why if it fails.
      this.#context.logger.warn("Mapped address is not open", {
        address: addressText(address),
        cause: codeOf(error),
      });
    }
  }

  /** Opens what another process has mapped. */
  async #look(): Promise<void> {
    const { signal } = this.#stopping;
    const { timers, logger } = this.#context;
    while (!signal.aborted) {
      try {
        await timers.sleep(LOOK_MS, signal);
        if (this.#mappings.refresh()) await this.#openPinned();
      } catch (error) {
        if (!signal.aborted) logger.warn("Mappings cannot be read", { cause: codeOf(error) });
      }
    }
  }

  async #openPinned(): Promise<void> {
    for (const { address, pinned } of this.#mappings.all) {
      if (pinned && !this.#listeners.isOpen(address)) await this.#open(address);
    }
    this.#tell();
  }

  async #addressOf(serviceId: Hex, name: string): Promise<string> {
    const { address } = this.#mappings.of(serviceId, name);
    await this.#listeners.open(address);
    this.#tell();
    return addressText(address);
  }

  async #serviceOf(name: string): Promise<Hex> {
    const { timers } = this.#context;
    const known = this.#names.get(name);
    if (known !== undefined && known.until > timers.monotonic()) return known.serviceId;
    const { signal } = this.#stopping;
    const serviceId = await within(
      { milliseconds: dnsLimits.lookupMs, timers, signal },
      (ending) => this.#environment.serviceOf(name, ending),
      () => new BlockcloudError(resolveErrors.unreachable, `No answer for ${name} in time.`),
    );
    this.#names.set(name, { serviceId, until: timers.monotonic() + NAME_MS });
    return serviceId;
  }

  #tell(): void {
    this.#environment.changed?.(this.#mappings.size, this.#listeners.size);
  }
}
