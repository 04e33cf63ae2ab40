import { randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { Hex } from "viem";
import { listen, unlisten } from "../../node/listenUnix.ts";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Scheduler } from "../../node/scheduler.ts";
import { bytesToHex, hexToBytes } from "../../protocol/bytes.ts";
import type { Domain } from "../../protocol/typedData.ts";
import { TailLink } from "../../sal/handoff/tailLink.ts";
import { handoffError } from "./errors.ts";
import {
  channelOf,
  claimSchema,
  firstSchema,
  laterSchema,
  parsed,
  VERSION,
  type Given,
  type HandoffStatus,
  type Later,
  type ResumeRequest,
  type Take,
} from "./messages.ts";
import type { HandoffPlace } from "./place.ts";
import { check, prove } from "./proofs.ts";
import type { ServiceHandoff } from "./serviceHandoff.ts";
import { encodeMessage, HandoffWire } from "./wire.ts";

/** How long a process may take for its first message, milliseconds. */
const FIRST_MS = 5_000;
/** Connections that have not said what they want: as many links may break at once. */
const MOST_SILENT = 1_024;

/** The agent whose services are handed over. */
export interface HandedAgent {
  services(): readonly ServiceHandoff[];
  /** Gives up all duties, for good: records, transactions, the books of payments, the lock. */
  give(): Promise<void>;
  /** New clients of a service are another process's. */
  leave(serviceId: Hex): void;
  /** Ends all that is still served here. */
  expire(): void;
  status(): Pick<HandoffStatus, "state" | "until">;
}

export interface HandoffHostDependencies {
  agent: HandedAgent;
  domain: Domain;
  /** The host's clock, Unix milliseconds. */
  now(): number;
  clock: Scheduler;
  log: Logger;
}

/** Where the process that takes this one's place finds it: a socket in the state folder, which only its owner may use. */
export class HandoffHost implements Startable {
  readonly #place: HandoffPlace;
  readonly #d: HandoffHostDependencies;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Who shows it has proved to be a process of the services. */
  readonly #token = randomBytes(32);
  #since = 0;
  #silent = 0;
  #isStopping = false;
  #file: string | undefined;
  /** The process that has the duties. */
  #successor: HandoffWire | undefined;

  constructor(place: HandoffPlace, dependencies: HandoffHostDependencies) {
    this.#place = place;
    this.#d = dependencies;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#accept(socket);
    });
  }

  /** A process that cannot listen serves nevertheless; it cannot be replaced without a cut. */
  async start(): Promise<void> {
    this.#since = this.#d.now();
    try {
      const file = this.#place.next();
      await listen(this.#server, file);
      this.#file = file;
      chmodSync(file, 0o600);
    } catch (error) {
      this.#d.log.warn("no other process can take this one's place without a cut", { error });
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const socket of this.#sockets) socket.destroy();
    await unlisten(this.#server);
    if (this.#file !== undefined) rmSync(this.#file, { force: true });
  }

  #accept(socket: Socket): void {
    socket.on("error", ignore);
    if (this.#silent >= MOST_SILENT) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    const wire = new HandoffWire(socket, this.#d.clock);
    this.#serve(wire).catch((error: unknown) => {
      this.#d.log.warn("a process on the handoff channel was refused", { error });
      wire.close();
    });
  }

  async #serve(wire: HandoffWire): Promise<void> {
    const nonce = bytesToHex(randomBytes(32));
    wire.send({ version: VERSION, nonce });
    this.#silent += 1;
    let message: unknown;
    try {
      message = await wire.next(FIRST_MS);
    } finally {
      this.#silent -= 1;
    }
    const first = parsed(firstSchema, message);
    if (first.ask === "take") await this.#give(wire, nonce, first);
    else if (first.ask === "resume") this.#resume(wire, first);
    else wire.send(this.#status());
  }

  async #give(wire: HandoffWire, nonce: Hex, take: Take): Promise<void> {
    const { agent, domain, now, log } = this.#d;
    const own = agent.services();
    const named = new Set(take.proofs.map(({ serviceId }) => serviceId));
    const shared = own.filter(({ serviceId }) => named.has(serviceId));
    // Whose duties are given up already has only sessions to share, of the services that both have.
    const services = agent.status().state === "serving" || shared.length === 0 ? own : shared;
    const channel = channelOf(nonce, take.nonce);
    const theirs = { role: "new" as const, channel, issuedAt: BigInt(take.issuedAt) };
    check(services, take.proofs, theirs, { domain, now: now() });
    const issuedAt = Math.floor(now());
    const claim = { role: "old" as const, channel, issuedAt: BigInt(issuedAt) };
    const proofs = prove(services, claim, domain);
    wire.proven();
    wire.send({ issuedAt, proofs, token: bytesToHex(this.#token) });
    await agent.give();
    wire.send({ released: true });
    // Several may have come this far. Only the one that has taken the lock goes on; it may have others to ask first.
    parsed(claimSchema, await wire.next());
    // The other process hears nothing before it knows what is given.
    const early: object[] = [];
    let tell = (message: object): void => {
      early.push(message);
    };
    const given: Given = {
      ...{ given: true, since: this.#since, pid: process.pid },
      services: services.map((service) =>
        service.given((message) => {
          tell({ serviceId: service.serviceId, message });
        }),
      ),
    };
    this.#successor = wire;
    tell = (message) => {
      wire.send(message);
    };
    for (const message of [given, ...early]) wire.send(message);
    log.info("another process takes this one's place");
    await this.#follow(wire);
  }

  /** The new process is heard until it ends; if it ends, this one serves what it has. */
  async #follow(wire: HandoffWire): Promise<void> {
    const { agent, log } = this.#d;
    for (;;) {
      let later: Later;
      try {
        later = parsed(laterSchema, await wire.next());
      } catch (error) {
        // When this process stops, it closes the channel itself.
        if (!this.#isStopping) {
          log.info("the process that has the place has closed the handoff channel", { error });
        }
        wire.close();
        // Another one may have come since.
        if (this.#successor === wire) for (const each of agent.services()) each.forsaken();
        return;
      }
      if (later.say === "serving") agent.leave(later.serviceId);
      else if (later.say === "expire") agent.expire();
      // Another one keeps the books since: what this one still says is about sums that count no more.
      else if (this.#successor === wire) this.#books(later);
    }
  }

  #books({ serviceId, message }: Extract<Later, { say: "books" }>): void {
    const service = this.#d.agent.services().find((each) => each.serviceId === serviceId);
    try {
      service?.books(message);
    } catch (error) {
      this.#d.log.error("a message about the books cannot be read", { error });
    }
  }

  #resume(wire: HandoffWire, request: ResumeRequest): void {
    const { token, serviceId, peer, channel, payload } = request;
    if (!timingSafeEqual(hexToBytes(token), this.#token)) {
      throw handoffError("HANDOFF_REFUSED", "The other process shows a wrong token.");
    }
    const service = this.#d.agent.services().find((each) => each.serviceId === serviceId);
    const socket = wire.release();
    const preface = encodeMessage({ found: true });
    const link = new TailLink(socket, peer, preface);
    try {
      if (service?.sal.adopt(link, channel, Buffer.from(hexToBytes(payload))) === true) return;
    } catch (error) {
      this.#d.log.debug("a session cannot be resumed", { error });
    }
    // The session has not written anything: the other process may ask elsewhere.
    socket.end(encodeMessage({ found: false }));
  }

  #status(): HandoffStatus {
    const { agent } = this.#d;
    return {
      ...{ pid: process.pid, since: this.#since },
      ...agent.status(),
      services: agent.services().map(({ serviceId, sal, relays, record }) => {
        const { sessions, flows, paths } = sal;
        return { serviceId, sessions, flows, paths, relays: [...relays], record };
      }),
    };
  }
}

function ignore(): void {
  // The connection ends before anything waits for it.
}
