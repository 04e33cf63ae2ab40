import { once } from "node:events";
import { connect as connectTcp, createServer, type AddressInfo, type Server } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import type { Duplex } from "node:stream";
import { silentLogger } from "../../src/node/logger.ts";
import { systemScheduler as clock } from "../../src/node/scheduler.ts";
import { systemTimers as timers } from "../../src/node/timers.ts";
import { SalClient } from "../../src/sal/client/salClient.ts";
import { tcpPort } from "../../src/sal/provider/tcpPort.ts";
import { createSalProxy } from "../../src/sal/proxy/salProxy.ts";
import { createCertificate } from "../../src/sal/transport/certificate.ts";
import { serve } from "../resolve/worker.ts";
import {
  clientDependencies,
  createHandledProvider,
  FEED_PORT,
  fixedLocator,
  locatedAt,
} from "./service.ts";

/** The halves of two pairs, each in a process of its own; all return the port where they listen. */
serve({ salProvider, salProxy, tlsOut, tlsIn });

/** SAL to TCP: the provider in front of a TCP server. */
async function salProvider(upstream: number): Promise<number> {
  const handler = tcpPort({ to: { host: "127.0.0.1", port: upstream } }, { timers, clock });
  const { acceptor } = createHandledProvider(new Map([[FEED_PORT, handler]]));
  return listening(
    createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      acceptor.accept(socket);
    }),
  );
}

/** TCP to SAL: the local proxy. */
async function salProxy(provider: number): Promise<number> {
  const client = new SalClient({}, clientDependencies(fixedLocator(locatedAt([provider]))));
  const proxy = createSalProxy(
    { listen: { port: 0 } },
    {
      dial: ({ port }, signal) => client.connect("bench", port, signal),
      logger: silentLogger,
    },
  );
  await proxy.start();
  return proxy.address.port;
}

/** TLS to TCP, without frames. */
async function tlsOut(upstream: number): Promise<number> {
  const options = { ...createCertificate(Date.now()), allowHalfOpen: true, noDelay: true };
  const server = createTlsServer(options, (socket) => {
    join(socket, dialTcp(upstream));
  });
  return listening(server);
}

/** TCP to TLS, without frames. */
async function tlsIn(out: number): Promise<number> {
  return listening(
    createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const to = { host: "127.0.0.1", port: out, rejectUnauthorized: false } as const;
      join(socket, connectTls({ ...to, minVersion: "TLSv1.3" }));
    }),
  );
}

function dialTcp(port: number): Duplex {
  return connectTcp({ host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true });
}

function join(one: Duplex, other: Duplex): void {
  one.pipe(other);
  other.pipe(one);
  one.on("error", () => other.destroy());
  other.on("error", () => one.destroy());
}

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
