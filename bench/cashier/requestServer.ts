import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { FreeAllowance } from "../../src/cashier/allowance.ts";
import { parsePrice } from "../../src/cashier/price.ts";
import { silentLogger as log } from "../../src/node/logger.ts";
import { systemScheduler as clock } from "../../src/node/scheduler.ts";
import { systemTimers as timers } from "../../src/node/timers.ts";
import { bytesToHex } from "../../src/protocol/bytes.ts";
import { Gateway } from "../../src/provider/gateway/gateway.ts";
import { createPayments } from "../../src/provider/gateway/pay/createPayments.ts";
import { portTable } from "../../src/provider/gateway/ports.ts";
import { serve } from "../resolve/worker.ts";
import { createCollector, deployment } from "../sal/cashierParts.ts";
import { cpu } from "../sal/processCpu.ts";
import { createHandledProvider, DOMAIN, KEY, SERVICE_ID } from "../sal/service.ts";

/** A gateway without a price and one with, each with its SAL, in one process: only one is used at a time. */
serve({ unpaid: () => gateway(false), paid: () => gateway(true), cpu });

const PRICE = parsePrice("0.000001/MB|0.0000001/request");
const body = Buffer.alloc(64, "x");

async function gateway(isPaid: boolean): Promise<number> {
  const upstream = createServer((_, response) => {
    response.writeHead(200, { "Content-Length": body.length });
    response.end(body);
  });
  upstream.keepAliveTimeout = 60_000;
  const upstreamPort = await listening(upstream);
  const pay = isPaid ? parts() : undefined;
  const gateway = new Gateway(
    {
      ...{ serviceId: SERVICE_ID, domain: DOMAIN, key: KEY },
      upstream: new URL(`http://127.0.0.1:${upstreamPort}`),
      listen: { host: "127.0.0.1", port: 0 },
    },
    { logger: log, now: Date.now, monotonic: () => performance.now(), payments: pay?.payments },
  );
  const ports = portTable(
    [],
    (flow) => {
      gateway.serveFlow(flow);
    },
    { timers, clock },
  );
  const { acceptor } = createHandledProvider(ports, pay?.pricing);
  const server = createTcpServer((socket) => {
    acceptor.accept(socket);
  });
  return listening(server);
}

function parts() {
  const folder = mkdtempSync(path.join(tmpdir(), "blockcloud-bench-"));
  const collector = createCollector(path.join(folder, "collector.sqlite"), PRICE);
  const allowance = new FreeAllowance({ bytes: 0, requests: 0 }, () => 1);
  const noChain = () => Promise.reject(new Error("The benchmark has no chain."));
  const { payments } = createPayments(
    { price: PRICE, payTo: `0x${"9".repeat(40)}` },
    {
      ...{ deployment, serviceKey: bytesToHex(KEY), collector, allowance, timers, log },
      storeFile: path.join(folder, "payments.sqlite"),
      // Flows pay in their sessions: nothing is settled over HTTP.
      client: {} as never,
      sender: { send: noChain, gasPrice: noChain },
      now: Date.now,
    },
  );
  return { pricing: { collector, allowance }, payments };
}

async function listening(server: ReturnType<typeof createTcpServer>): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
