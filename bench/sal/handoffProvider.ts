import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { silentLogger } from "../../src/node/logger.ts";
import { systemScheduler as clock } from "../../src/node/scheduler.ts";
import { AgentHandoff } from "../../src/provider/handoff/agentHandoff.ts";
import { HandedService } from "../../src/provider/handoff/handedService.ts";
import { serve } from "../resolve/worker.ts";
import { feed } from "./feed.ts";
import { createProvider, DOMAIN, ECHO_PORT, FEED_PORT, KEY, SERVICE_ID } from "./service.ts";

serve({ take, release, sessions });

const ports = new Map([
  [FEED_PORT, feed],
  [ECHO_PORT, echo],
]);
const server = createServer({ noDelay: true, allowHalfOpen: true });
const gateways = {
  get address() {
    return server.address() as AddressInfo;
  },
  isServing: false,
  leave: () => {
    server.close();
    return Promise.resolve();
  },
};
let services: HandedService[] = [];

function echo(flow: Duplex): void {
  flow.on("error", () => {
    // A client that has gone.
  });
  flow.pipe(flow);
}

/** Takes the place of the processes that meet in a folder, or is the first one; returns the port. */
async function take(folder: string): Promise<number> {
  const handoff = new AgentHandoff({
    process: {
      takeOver: true,
      lock: { stateDir: folder, name: "bench" },
      takeLock: () => {},
      given: () => Promise.resolve(),
      finished: () => process.exit(),
    },
    services: () => services,
    stopDuties: () => Promise.resolve(),
    hasChain: () => true,
    domain: DOMAIN,
    now: Date.now,
    ...{ clock, log: silentLogger },
  });
  const keyed = { serviceId: SERVICE_ID, keys: [KEY] };
  await handoff.take([keyed]);
  const inherited = handoff.before.inherited(SERVICE_ID);
  const { provider: sal, acceptor } = createProvider(ports, inherited?.instance);
  sal.elsewhere = handoff.before;
  const dependencies = { gateways, whereabouts: { followed: 0 }, pay: undefined };
  const own = { clock, log: silentLogger };
  services = [new HandedService({ ...keyed, sal }, { ...dependencies, ...own })];
  server.on("connection", (socket) => {
    acceptor.accept(socket);
  });
  server.listen({ host: "127.0.0.1", port: inherited?.listen?.port ?? 0, reusePort: true });
  await once(server, "listening");
  handoff.before.serving(SERVICE_ID);
  await handoff.host.start();
  return (server.address() as AddressInfo).port;
}

/** Lets all clients go on over another connection: the process in this one's place accepts it. */
function release(): void {
  for (const { sal } of services) sal.release();
}

function sessions(): number {
  return services.reduce((sum, { sal }) => sum + sal.sessions, 0);
}
