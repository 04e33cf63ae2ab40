import { once } from "node:events";
import { Agent, createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { systemTimers } from "../../src/node/timers.ts";
import { Metrics } from "../../src/node/metrics.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { Gateway } from "../../src/provider/gateway/gateway.ts";
import { ProviderMetrics } from "../../src/provider/metrics.ts";
import { silent } from "../resolve/syntheticResolver.ts";
import { serve } from "../resolve/worker.ts";
import { SMALL_BYTES } from "./sizes.ts";

/** Bytes of each part of a large body. */
const PART_BYTES = 64 * 1024;

/** The servers of the benchmark, each in a process of its own; all return their port. */
serve({ upstream, nodeProxy, gateway, memory });

/** A provider's own server: 64 bytes, or `/<bytes>` for as many. */
async function upstream(): Promise<number> {
  const small = Buffer.alloc(SMALL_BYTES, "x");
  const part = Buffer.alloc(PART_BYTES, "x");
  const server = createServer((incoming, response) => {
    const bytes = Number(incoming.url?.slice(1));
    if (!(bytes > 0)) {
      response.writeHead(200, { "Content-Type": "text/plain", "Content-Length": small.length });
      response.end(small);
      return;
    }
    response.writeHead(200, { "Content-Length": bytes });
    let left = bytes;
    const more = () => {
      while (left > 0) {
        const next = part.subarray(0, Math.min(left, part.length));
        left -= next.length;
        if (!response.write(next)) return void response.once("drain", more);
      }
      response.end();
    };
    more();
  });
  server.keepAliveTimeout = 60_000;
  return listening(server);
}

/** The smallest proxy on node:http: the ceiling for a gateway on the same runtime. */
async function nodeProxy(port: number): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  const server = createServer((incoming, response) => {
    const { method, url: path, headers } = incoming;
    const outgoing = request(
      { host: "127.0.0.1", port, method, path, headers, agent },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    outgoing.on("error", () => response.destroy());
    incoming.pipe(outgoing);
  });
  return listening(server);
}

/** The gateway as `provider run` builds it, without limits for one address. */
async function gateway(port: number): Promise<number> {
  const made = new Gateway(
    {
      serviceId: `0x${"00".repeat(7)}07${"00".repeat(24)}`,
      domain: blockcloudDomain(31337n, "0x5FbDB2315678afecb367f032d93F642f64180aa3"),
      key: hexToBytes(`0x${"4b".repeat(32)}`),
      upstream: new URL(`http://127.0.0.1:${port}`),
      listen: { host: "127.0.0.1", port: 0 },
      ...{ receiptsPerSecond: 1e9, receiptBurst: 1e9, maxConnections: 0, maxConnectionsPerPeer: 0 },
    },
    {
      logger: silent,
      now: () => Date.now(),
      monotonic: () => systemTimers.monotonic(),
      observer: new ProviderMetrics(new Metrics("provider")).of("1"),
    },
  );
  await made.start();
  return made.address.port;
}

/** Memory of a process, bytes. */
export interface Memory {
  rss: number;
  /** Of objects on the JavaScript heap. */
  heap: number;
}

/** Memory of the process after a collection. */
function memory(): Memory {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  return { rss, heap: heapUsed };
}

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
