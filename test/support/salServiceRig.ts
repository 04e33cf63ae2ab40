import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { systemScheduler, type Scheduler } from "../../src/node/scheduler.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { DialRules } from "../../src/net/dialRules.ts";
import type { SalParts } from "../../src/auditor/inspection/salContact.ts";
import { encodeProviderHello } from "../../src/sal/handshake/messages.ts";
import { SalAcceptor } from "../../src/sal/provider/salAcceptor.ts";
import { SalProvider } from "../../src/sal/provider/salProvider.ts";
import type { FlowHandler, ServedService } from "../../src/sal/provider/service.ts";
import { tcpPort } from "../../src/sal/provider/tcpPort.ts";
import { createCertificate } from "../../src/sal/transport/certificate.ts";
import { TlsAcceptor, TlsTransport } from "../../src/sal/transport/tlsTransport.ts";
import { encodeFrame } from "../../src/sal/wire/encode.ts";
import { FrameType } from "../../src/sal/wire/frames.ts";
import { DEPLOYMENT } from "./fakeChain.ts";
import { MemoryLog } from "./memoryLog.ts";
import { ISSUED_AT, SERVICE_KEY } from "./serviceRig.ts";

const domain = blockcloudDomain(BigInt(DEPLOYMENT.chainId), DEPLOYMENT.contracts.registry);
const certificate = createCertificate(Date.now());

/** Port of an echo. */
export const ECHO = 7;

export interface SalService {
  number: bigint;
  keys: readonly Uint8Array[];
  asksClient: boolean;
  ports: Record<number, FlowHandler>;
}

/** Services on loopback that speak the SAL, and an auditor's means to speak it. */
export class SalServiceRig {
  /** How many connections came to each service that listens, in the order of their start. */
  readonly connections: number[] = [];
  readonly #servers: Server[] = [];
  readonly #providers: SalProvider[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #late = new Map<number, () => void>();
  readonly #onConnection: ((count: number) => void)[] = [];

  /** What an auditor needs; time limits of {@link limitOf} end only when a test says so. */
  get parts(): SalParts {
    const clock: Scheduler = {
      monotonic: () => systemScheduler.monotonic(),
      after: (milliseconds, act) => {
        if (!this.#late.has(milliseconds)) return systemScheduler.after(milliseconds, act);
        this.#late.set(milliseconds, act);
        return () => {};
      },
    };
    const transport = new TlsTransport(new DialRules({ allowLoopback: true }));
    return { transport, clock, domain, log: new MemoryLog() };
  }

  /** A time limit that is over when the returned function is called. */
  limitOf(milliseconds: number): () => void {
    this.#late.set(milliseconds, () => {});
    return () => this.#late.get(milliseconds)?.();
  }

  /** Calls back at each connection, with their number. */
  onConnection(listener: (count: number) => void): void {
    this.#onConnection.push(listener);
  }

  /** Starts service 7, or another; gives its endpoint. */
  serve(over: Partial<SalService> = {}): Promise<string> {
    const { number = 7n, keys = [hexToBytes(SERVICE_KEY)], asksClient = false } = over;
    const ports = new Map(
      Object.entries(over.ports ?? { [ECHO]: echo }).map(([port, each]) => [Number(port), each]),
    );
    const service: ServedService = { serviceId: rootServiceId(number), keys, asksClient, ports };
    const dependencies = { clock: systemScheduler, log: new MemoryLog() };
    const provider = new SalProvider(
      { service, domain },
      { ...dependencies, now: () => ISSUED_AT + 0.5 },
    );
    this.#providers.push(provider);
    const onHttp = (socket: Socket) => socket.destroy();
    const acceptor = new SalAcceptor({ certificate, provider, onHttp }, dependencies);
    return this.#listen((socket) => {
      acceptor.accept(socket);
    });
  }

  /** Starts a service that answers in a version of tomorrow. */
  serveTomorrow(): Promise<string> {
    const tls = new TlsAcceptor(certificate);
    const hello = {
      version: 2,
      session: Buffer.alloc(16),
      instance: Buffer.alloc(8),
      asksClient: false,
      isLeaving: false,
      proofs: [],
    };
    return this.#listen((socket) => {
      tls.accept(socket, new AbortController().signal).then(
        ({ link }) => {
          link.handler = {
            data: () => {
              link.write(encodeFrame(FrameType.hello, 0, encodeProviderHello(hello)));
            },
            drained: () => {},
            closed: () => {},
          };
        },
        () => socket.destroy(),
      );
    });
  }

  /** Listens; gives the endpoint. A connection beyond `most` is cut at once. */
  async #listen(accept: (socket: Socket) => void): Promise<string> {
    const index = this.connections.push(0) - 1;
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      const count = (this.connections[index] ?? 0) + 1;
      this.connections[index] = count;
      for (const listener of this.#onConnection) listener(count);
      if (count > this.mostConnections) socket.destroy();
      else accept(socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    this.#servers.push(server);
    return `sal://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Connections beyond this number are cut at once. */
  mostConnections = Infinity;

  close(): void {
    for (const provider of this.#providers.splice(0)) provider.stop();
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers.splice(0)) server.close();
    this.#sockets.clear();
    this.#late.clear();
    this.#onConnection.splice(0);
    this.connections.splice(0);
    this.mostConnections = Infinity;
  }
}

/** Gives back what comes. */
export const echo: FlowHandler = (flow) => {
  flow.on("data", (chunk: Buffer) => flow.write(chunk));
  flow.on("error", () => {});
  return Promise.resolve();
};

/** Port 80 of a service whose own HTTP server listens at a URL. */
export function httpAt(url: string): FlowHandler {
  const { hostname: host, port } = new URL(url);
  return tcpPort(
    { to: { host, port: Number(port) } },
    { timers: systemTimers, clock: systemScheduler },
  );
}
