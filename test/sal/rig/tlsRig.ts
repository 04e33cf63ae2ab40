import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { DialRules } from "../../../src/net/dialRules.ts";
import { systemScheduler } from "../../../src/node/scheduler.ts";
import { ReceiptSigner } from "../../../src/protocol/receipt.ts";
import { addressOfKey } from "../../../src/protocol/signature.ts";
import type { PathObserver } from "../../../src/sal/client/dependencies.ts";
import type { Payer } from "../../../src/sal/pay/payer.ts";
import type { Pricing } from "../../../src/sal/pay/till.ts";
import { SalClient } from "../../../src/sal/client/salClient.ts";
import type { SalLimits } from "../../../src/sal/provider/limits.ts";
import { SalAcceptor } from "../../../src/sal/provider/salAcceptor.ts";
import { SalProvider } from "../../../src/sal/provider/salProvider.ts";
import type { FlowHandler } from "../../../src/sal/provider/service.ts";
import { createCertificate } from "../../../src/sal/transport/certificate.ts";
import { serverNameOf } from "../../../src/sal/transport/serverName.ts";
import { ALPN, TlsTransport } from "../../../src/sal/transport/tlsTransport.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { FakeClock } from "./fakeClock.ts";
import { FakeLocator } from "./fakeLocator.ts";
import { DOMAIN, ECHO, echo, KEY, SERVICE } from "./salRig.ts";

export interface TlsRigOptions {
  limits?: SalLimits;
  /** Default: an echo. */
  ports?: ReadonlyMap<number, FlowHandler>;
  observer?: PathObserver;
  /** What the service costs. */
  pricing?: Pricing;
  /** Pays for the client. */
  payer?: Payer;
}

/** A provider behind a real server on loopback. Only the limits of handshakes stand still until a test moves them. */
export class TlsRig {
  readonly handshakeClock = new FakeClock();
  readonly log = new MemoryLog();
  readonly provider: SalProvider;
  readonly http: Socket[] = [];
  readonly client: SalClient;
  readonly locator: FakeLocator;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(options: TlsRigOptions = {}) {
    const { limits = {}, ports = new Map([[ECHO, echo]]), observer, pricing, payer } = options;
    const service = { serviceId: SERVICE, keys: [KEY], asksClient: false };
    this.provider = new SalProvider(
      { service: { ...service, ports }, domain: DOMAIN, limits, pricing },
      { clock: systemScheduler, log: this.log, now: Date.now },
    );
    const acceptor = new SalAcceptor(
      {
        certificate: createCertificate(Date.now()),
        provider: this.provider,
        onHttp: (socket) => {
          this.http.push(socket);
          socket.end("HTTP/1.1 204 No Content\r\n\r\n");
        },
      },
      { clock: this.handshakeClock, log: this.log },
    );
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      acceptor.accept(socket);
    });
    this.locator = new FakeLocator({
      serviceId: SERVICE,
      key: addressOfKey(KEY),
      endpoints: [],
      issuedAt: 1,
      delegatedUntil: undefined,
    });
    this.client = new SalClient(
      {},
      {
        clock: systemScheduler,
        transport: new TlsTransport(new DialRules({ allowLoopback: true })),
        locator: this.locator,
        receipts: new ReceiptSigner(DOMAIN),
        domain: DOMAIN,
        log: this.log,
        now: Date.now,
        observer,
        payer,
      },
    );
  }

  async start(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.locator.publish({ endpoints: [`sal://127.0.0.1:${this.port}`] });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** A TCP connection. */
  async connect(): Promise<Socket> {
    const socket = connect({ host: "127.0.0.1", port: this.port, allowHalfOpen: true });
    socket.on("error", () => {});
    await once(socket, "connect");
    return socket;
  }

  /** A TLS connection as a client of the SAL makes it, but for some options. */
  dial(options: ConnectionOptions = {}): TLSSocket {
    const socket = connectTls({
      host: "127.0.0.1",
      port: this.port,
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ALPNProtocols: [ALPN],
      servername: serverNameOf(SERVICE),
      ...options,
    });
    return socket.on("error", () => {});
  }

  /** Breaks all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    this.client.close();
    this.provider.stop();
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }
}
