import type { Duplex } from "node:stream";
import { DialRules } from "../../src/net/dialRules.ts";
import { silentLogger } from "../../src/node/logger.ts";
import { systemScheduler as clock } from "../../src/node/scheduler.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { ReceiptSigner } from "../../src/protocol/receipt.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import type { ClientSessionDependencies, PathObserver } from "../../src/sal/client/dependencies.ts";
import type { Located, Locator } from "../../src/sal/client/locator.ts";
import type { Pricing } from "../../src/sal/pay/till.ts";
import { SalAcceptor } from "../../src/sal/provider/salAcceptor.ts";
import { SalProvider } from "../../src/sal/provider/salProvider.ts";
import type { FlowHandler } from "../../src/sal/provider/service.ts";
import { createCertificate } from "../../src/sal/transport/certificate.ts";
import type { Transport } from "../../src/sal/transport/link.ts";
import { TlsTransport } from "../../src/sal/transport/tlsTransport.ts";

/** The service of the benchmark: no chain is involved. */
export const SERVICE_ID = rootServiceId(7n);
export const KEY = hexToBytes(`0x${"4b".repeat(32)}`);
export const DOMAIN = blockcloudDomain(31337n, "0x5FbDB2315678afecb367f032d93F642f64180aa3");

/** Ports of the service. */
export const FEED_PORT = 80;
export const ECHO_PORT = 81;

/** Where the service is, in the order of the ports. */
export function locatedAt(ports: readonly number[], issuedAt = 1): Located {
  return {
    serviceId: SERVICE_ID,
    key: addressOfKey(KEY),
    endpoints: ports.map((port) => `sal://127.0.0.1:${port}`),
    issuedAt,
    delegatedUntil: undefined,
  };
}

/** A provider of the service; its handlers take a flow at once. */
export function createProvider(
  ports: ReadonlyMap<number, (flow: Duplex) => void>,
  instance?: Buffer,
) {
  const handlers = [...ports].map(([port, handle]): [number, FlowHandler] => [
    port,
    (flow) => {
      handle(flow);
      return Promise.resolve();
    },
  ]);
  return createHandledProvider(new Map(handlers), undefined, instance);
}

/** A provider of the service without limits for one address: the benchmark's client has one. */
export function createHandledProvider(
  ports: ReadonlyMap<number, FlowHandler>,
  pricing?: Pricing,
  instance?: Buffer,
) {
  const provider = new SalProvider(
    {
      service: {
        serviceId: SERVICE_ID,
        keys: [KEY],
        asksClient: false,
        ports,
      },
      domain: DOMAIN,
      ...{ pricing, instance },
      limits: {
        ...{ maxSessions: 0, maxSessionsPerPeer: 0, maxFlows: 0, maxFlowsPerPeer: 0 },
        ...{ maxHandshakes: 0, maxHandshakesPerPeer: 0 },
        ...{ handshakesPerSecond: 1e9, handshakeBurst: 1e9, opensPerSecond: 1e9, openBurst: 1e9 },
      },
    },
    { clock, log: silentLogger, now: Date.now },
  );
  const acceptor = new SalAcceptor(
    { certificate: createCertificate(Date.now()), provider, onHttp: (socket) => socket.destroy() },
    { clock, log: silentLogger },
  );
  return { provider, acceptor };
}

/** A locator that knows one place: the provider does not move. */
export function fixedLocator(located: Located): Locator {
  const answer = () => Promise.resolve(located);
  return { locate: answer, relocate: answer, check: answer, watch: () => () => {} };
}

/** Dependencies of a client of the service. */
export function clientDependencies(
  locator: Locator,
  options: { observer?: PathObserver; wrap?: (transport: Transport) => Transport } = {},
): ClientSessionDependencies {
  const { observer, wrap = (transport) => transport } = options;
  return {
    clock,
    transport: wrap(new TlsTransport(new DialRules({ allowLoopback: true }))),
    locator,
    receipts: new ReceiptSigner(DOMAIN),
    domain: DOMAIN,
    log: silentLogger,
    now: Date.now,
    observer,
  };
}
