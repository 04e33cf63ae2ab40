import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { DialRules } from "../../src/net/dialRules.ts";
import { silentLogger } from "../../src/node/logger.ts";
import { systemScheduler as clock } from "../../src/node/scheduler.ts";
import { RelayLine } from "../../src/sal/relay/relayLine.ts";
import { serve } from "../resolve/worker.ts";
import { feed } from "./feed.ts";
import { cpu } from "./processCpu.ts";
import { createProvider, DOMAIN, ECHO_PORT, FEED_PORT, KEY, SERVICE_ID } from "./service.ts";

/** A provider that is reached directly and through relays. */
serve({ start, reserve, reserved, cpu });

const { provider, acceptor } = createProvider(
  new Map([
    [FEED_PORT, feed],
    [ECHO_PORT, echo],
  ]),
);
const lines: RelayLine[] = [];

/** Listens; gives the port. */
async function start(): Promise<number> {
  const server = createServer((socket) => {
    acceptor.accept(socket);
  });
  server.listen(0, "127.0.0.1", 4096);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Reserves at the relays on these ports. */
async function reserve(ports: readonly number[]): Promise<void> {
  const { instance } = provider;
  const terms = {
    serviceId: SERVICE_ID,
    key: KEY,
    delegation: "0x",
    instance,
    domain: DOMAIN,
  } as const;
  for (const port of ports) {
    const line = new RelayLine(
      { host: "127.0.0.1", port },
      lines.length + 1,
      { ...terms, limits: { maxVisitors: 0, visitorsPerSecond: 1e9 } },
      {
        ...{ clock, log: silentLogger, now: Date.now },
        rules: new DialRules({ allowLoopback: true, anyAddress: true }),
        accept: (socket, visitor) => {
          acceptor.acceptRelayed(socket, visitor);
        },
      },
    );
    lines.push(line);
    await line.start();
  }
}

/** How many relays lead here. */
function reserved(): number {
  return lines.filter(({ isReserved }) => isReserved).length;
}

function echo(stream: Duplex): void {
  stream.on("data", (chunk: Buffer) => stream.write(chunk));
  stream.on("end", () => stream.end());
  stream.on("error", () => {
    // The client closed.
  });
}
