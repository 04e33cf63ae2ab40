import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { Address } from "viem";
import { DialRules } from "../../src/net/dialRules.ts";
import { systemScheduler } from "../../src/node/scheduler.ts";
import { ReceiptSigner } from "../../src/protocol/receipt.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { createMetrics } from "../../src/node/metrics.ts";
import type { RelayWorkerLimits } from "../../src/relay/limits.ts";
import { RelayMetrics } from "../../src/relay/metrics.ts";
import { Relay } from "../../src/relay/relay.ts";
import type { PathObserver } from "../../src/sal/client/dependencies.ts";
import { SalClient } from "../../src/sal/client/salClient.ts";
import type { SalLimits } from "../../src/sal/provider/limits.ts";
import { SalAcceptor } from "../../src/sal/provider/salAcceptor.ts";
import { SalProvider } from "../../src/sal/provider/salProvider.ts";
import type { FlowHandler, ServedService } from "../../src/sal/provider/service.ts";
import { RelayLine, type RelayTerms } from "../../src/sal/relay/relayLine.ts";
import type { RelayAddress } from "../../src/sal/relay/relayName.ts";
import { createCertificate } from "../../src/sal/transport/certificate.ts";
import type { Link } from "../../src/sal/transport/link.ts";
import { serverNameOf } from "../../src/sal/transport/serverName.ts";
import { ALPN, TlsTransport } from "../../src/sal/transport/tlsTransport.ts";
import { FakeClock } from "../sal/rig/fakeClock.ts";
import { FakeLocator } from "../sal/rig/fakeLocator.ts";
import { DOMAIN, ECHO, echo, KEY, SERVICE } from "../sal/rig/salRig.ts";
import { MemoryLog } from "../support/memoryLog.ts";
import { until } from "../support/until.ts";

const certificate = createCertificate(Date.now());

/** The chain as the rig's relays read it: keys by service number. */
export class FakeKeys {
  readonly keys = new Map<bigint, { key: Address; active: boolean }>([
    [7n, { key: addressOfKey(KEY), active: true }],
  ]);
  /** What a read waits for. */
  reading: Promise<unknown> = Promise.resolve();
  reads = 0;
  readonly #listeners = new Set<(number: bigint) => void>();

  async rootKey(number: bigint): Promise<{ key: Address; active: boolean } | undefined> {
    this.reads += 1;
    const found = this.keys.get(number);
    await this.reading;
    return found;
  }

  onChange(listener: (number: bigint) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The service has another key or status from now on. */
  change(number: bigint, to: { key: Address; active: boolean }): void {
    this.keys.set(number, to);
    for (const listener of [...this.#listeners]) listener(number);
  }
}

/** A relay on loopback, with time that stands still until a test moves it. */
export class RelayRig {
  readonly clock = new FakeClock();
  readonly log = new MemoryLog();
  readonly keys: FakeKeys;
  readonly metrics = createMetrics("relay");
  readonly relay: Relay;

  constructor(
    limits: RelayWorkerLimits = {},
    keys = new FakeKeys(),
    names?: readonly string[],
    domain = DOMAIN,
  ) {
    this.keys = keys;
    this.relay = new Relay(
      {
        listen: { host: "127.0.0.1", port: 0 },
        names,
        domain,
        limits: { bytesPerSecondPerPeer: 0, ...limits },
      },
      {
        ...{ clock: this.clock, log: this.log, directory: keys, certificate },
        now: Date.now,
        metrics: new RelayMetrics(this.metrics),
      },
    );
  }

  get address(): RelayAddress {
    return { host: "127.0.0.1", port: this.relay.address.port };
  }

  async connect(): Promise<Socket> {
    const socket = connect(this.address);
    socket.on("error", () => {});
    await once(socket, "connect");
    return socket;
  }

  /** A TLS connection as a client of the SAL makes it, but for some options. */
  dial(options: ConnectionOptions = {}): TLSSocket {
    const socket = connectTls({
      ...this.address,
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ALPNProtocols: [ALPN],
      servername: serverNameOf(SERVICE),
      ...options,
    });
    return socket.on("error", () => {});
  }

  /** The error code with which a TLS connection ends. */
  async refusal(socket: TLSSocket): Promise<string> {
    return new Promise((resolve) => {
      socket.once("error", (error: Error & { code?: string }) => {
        resolve(error.code ?? error.message);
      });
      socket.once("close", () => {
        resolve("closed");
      });
    });
  }
}

export interface BehindRelayOptions {
  service?: Partial<ServedService>;
  terms?: Partial<RelayTerms>;
  ports?: ReadonlyMap<number, FlowHandler>;
  limits?: SalLimits;
}

/** A provider that is reached through relays only, or at a port of its own as well. */
export class BehindRelays {
  readonly clock = new FakeClock();
  readonly log = new MemoryLog();
  readonly provider: SalProvider;
  readonly visitors: Link["peer"][] = [];
  readonly lines: RelayLine[];
  readonly #acceptor: SalAcceptor;
  readonly sockets = new Set<Socket>();
  #server: Server | undefined;

  constructor(relays: readonly RelayAddress[], options: BehindRelayOptions = {}) {
    const { terms = {}, limits = {}, ports = new Map([[ECHO, echo]]) } = options;
    const own = { serviceId: SERVICE, keys: [KEY], asksClient: false, ports };
    const service = { ...own, ...options.service };
    this.provider = new SalProvider(
      { service, domain: DOMAIN, limits },
      { clock: systemScheduler, log: this.log, now: Date.now },
    );
    this.#acceptor = new SalAcceptor(
      { certificate, provider: this.provider, onHttp: (socket) => socket.destroy() },
      { clock: systemScheduler, log: this.log },
    );
    const { instance } = this.provider;
    const all: RelayTerms = {
      ...{ serviceId: SERVICE, key: KEY, delegation: "0x", instance, domain: DOMAIN },
      ...terms,
    };
    this.lines = relays.map((relay, index) => this.line(relay, index + 1, all));
  }

  line(relay: RelayAddress, number: number, terms: RelayTerms): RelayLine {
    return new RelayLine(relay, number, terms, {
      ...{ clock: this.clock, log: this.log, now: Date.now, random: () => 0 },
      rules: new DialRules({ allowLoopback: true, anyAddress: true }),
      accept: (socket, visitor, ends) => {
        this.visitors.push(visitor);
        this.sockets.add(socket);
        socket.once("close", () => this.sockets.delete(socket));
        this.#acceptor.acceptRelayed(socket, visitor, ends);
      },
    });
  }

  get endpoints(): string[] {
    return this.lines.filter(({ isReserved }) => isReserved).map(({ endpoint }) => endpoint);
  }

  async start(): Promise<void> {
    await Promise.all(this.lines.map((line) => line.start()));
  }

  /** Listens at a port of its own as well; gives the endpoint. */
  async listen(): Promise<string> {
    this.#server = createServer((socket) => {
      this.sockets.add(socket);
      this.#acceptor.accept(socket);
    });
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `sal://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks all connections of visitors. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  stop(): void {
    for (const line of this.lines) line.stop();
    this.provider.stop();
    this.cut();
    this.#server?.close();
  }
}

/** A client of the service, and where it finds it. */
export function createClient(observer: PathObserver = {}, key: Uint8Array = KEY) {
  const locator = new FakeLocator({
    serviceId: SERVICE,
    key: addressOfKey(key),
    endpoints: [],
    issuedAt: 1,
    delegatedUntil: undefined,
  });
  const log = new MemoryLog();
  const client = new SalClient(
    {},
    {
      ...{ clock: systemScheduler, locator, domain: DOMAIN, log, now: Date.now, observer },
      transport: new TlsTransport(new DialRules({ allowLoopback: true })),
      receipts: new ReceiptSigner(DOMAIN),
    },
  );
  return { client, locator, log };
}

/** Waits until a relay has as many waiting connections as it wants. */
export async function spared(rig: RelayRig, count = 2): Promise<void> {
  await until("connections wait", () => rig.relay.spares === count, 1);
}
