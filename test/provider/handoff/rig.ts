import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { RecordNetwork } from "../../../src/coral/network.ts";
import { createMetrics } from "../../../src/node/metrics.ts";
import { systemScheduler } from "../../../src/node/scheduler.ts";
import { systemTimers } from "../../../src/node/timers.ts";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { bytesToHex } from "../../../src/protocol/bytes.ts";
import { AgentHandoff } from "../../../src/provider/handoff/agentHandoff.ts";
import { HandoffPlace } from "../../../src/provider/handoff/place.ts";
import { ProviderMetrics } from "../../../src/provider/metrics.ts";
import {
  createPresence,
  type Presence,
  type PresenceOptions,
} from "../../../src/provider/publish/presence.ts";
import type { RelaySettings } from "../../../src/provider/relays/relayLines.ts";
import { DEPLOYMENT } from "../../support/fakeChain.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { salUser } from "../../support/salUser.ts";
import { blockcloudDomain } from "../../../src/protocol/typedData.ts";
import { KEY, SERVICE } from "../../sal/rig/salRig.ts";

/** Port of an echo, byte for byte. */
export const ECHO = 7;
export const DOMAIN = blockcloudDomain(BigInt(DEPLOYMENT.chainId), DEPLOYMENT.contracts.registry);

/** An agent of one service without a chain: its gateway, its side of the SAL, and its part in handoffs. */
export interface Agent {
  presence: Presence;
  handoff: AgentHandoff;
  /** What it has given up, in order. */
  steps: string[];
  /** Resolves when it has nothing left to serve. */
  finished: Promise<void>;
  isFinished: boolean;
  stop(): Promise<void>;
}

/** What takes the payments of an agent's service; it is made when the books may be opened. */
export type PresencePay = () => NonNullable<PresenceOptions["pay"]>;

/** Agents in one state folder, of which each can take the place of the others. */
export class HandoffRig {
  readonly folder = mkdtempSync(path.join(tmpdir(), "handoff-"));
  readonly log = new MemoryLog();
  readonly place = new HandoffPlace({ stateDir: this.folder, name: "rig" });
  readonly agents: Agent[] = [];
  port = 0;
  /** Whether the agents reach the chain. */
  hasChain = true;
  /** The relays of agents that start from now on. */
  relay: RelaySettings | undefined;
  readonly #upstreams: Server[] = [];
  #holder: Agent | undefined;

  /** A server that gives back what it gets, and its address. */
  async echo(): Promise<AddressInfo> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => {});
      socket.pipe(socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    this.#upstreams.push(server);
    return server.address() as AddressInfo;
  }

  /** Starts an agent in the place of those that run. */
  async start(upstream: URL, pay?: PresencePay): Promise<Agent> {
    const { port: echoPort } = await this.echo();
    const { promise: finished, resolve: finish } = Promise.withResolvers<undefined>();
    const steps: string[] = [];
    const handoff: AgentHandoff = new AgentHandoff({
      process: {
        takeOver: true,
        lock: { stateDir: this.folder, name: "rig" },
        takeLock: () => {
          if (this.#holder !== undefined && this.#holder !== agent) {
            throw new BlockcloudError("WORKER_RUNNING", "Another agent has the lock.");
          }
          this.#holder = agent;
        },
        given: () => {
          steps.push("lock");
          this.#holder = undefined;
          return Promise.resolve();
        },
        finished: () => {
          agent.isFinished = true;
          finish(undefined);
        },
      },
      services: () => (agent.presence === undefined ? [] : [agent.presence.handoff]),
      stopDuties: () => {
        steps.push("duties");
        return Promise.resolve();
      },
      hasChain: () => this.hasChain,
      domain: DOMAIN,
      now: Date.now,
      ...{ clock: systemScheduler, log: this.log },
    });
    let stopped: Promise<void> | undefined;
    const stop = async () => {
      await handoff.host.stop();
      await agent.presence?.front.stop();
    };
    const agent: Agent = {
      presence: undefined as unknown as Presence,
      ...{ handoff, steps, finished, isFinished: false },
      stop: () => (stopped ??= stop()),
    };
    this.agents.push(agent);
    await handoff.take([{ serviceId: SERVICE, keys: [KEY] }]);
    const paid = pay?.();
    const to = { host: "127.0.0.1", port: echoPort };
    agent.presence = createPresence(
      {
        serviceId: SERVICE,
        key: bytesToHex(KEY),
        delegation: "0x",
        ...{ upstream, listen: { host: "127.0.0.1", port: this.port }, endpoint: undefined },
        ports: [{ port: ECHO, mode: "tcp", to }],
        gateway: { drainMs: 100 },
        pay: paid,
        relay: this.relay,
        storeFile: ":memory:",
        inherited: handoff.before.inherited(SERVICE),
        elsewhere: handoff.before,
      },
      {
        deployment: DEPLOYMENT,
        timers: systemTimers,
        network: undefined as unknown as RecordNetwork,
        parts: { start: () => Promise.resolve(), stop: () => Promise.resolve() },
        now: Date.now,
      },
      { log: this.log, metrics: new ProviderMetrics(createMetrics("provider")).of("7") },
    );
    const { keeper } = agent.presence.handoff;
    if (keeper !== undefined) handoff.before.keepBooks(SERVICE, keeper);
    await agent.presence.front.start();
    const { listen } = agent.presence.handoff.given(() => {});
    this.port = listen?.port ?? 0;
    handoff.before.serving(SERVICE);
    await handoff.host.start();
    return agent;
  }

  /** A user who knows where the service is. */
  user(options: Parameters<typeof salUser>[1] = {}) {
    return salUser({ serviceId: SERVICE, key: KEY, domain: DOMAIN, port: this.port }, options);
  }

  async stop(): Promise<void> {
    for (const agent of this.agents) await agent.stop();
    for (const server of this.#upstreams) server.close();
    rmSync(this.folder, { recursive: true });
  }
}
