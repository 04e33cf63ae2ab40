import type { Hex } from "viem";
import { raceSignal } from "race-signal";
import { interfaceFingerprint } from "../../node/interfaces.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { salError, salErrors } from "../errors.ts";
import type { Flow } from "../session/flow.ts";
import { ClientSession } from "./clientSession.ts";
import type { ClientSessionDependencies } from "./dependencies.ts";
import type { Located } from "./locator.ts";
import { Replicas } from "./replicas.ts";

export interface SalClientOptions {
  /**
   * 32 secret bytes, from which a key for each service is derived that asks who its client is. Without them such
   * services refuse this client.
   */
  identity?: Uint8Array | undefined;
  /** Most sessions at a time; idle ones make room. */
  maxSessions?: number;
  /** How long a session without flows is kept, milliseconds. */
  idleMs?: number;
}

const MAX_SESSIONS = 4_096;
const IDLE_MS = 300_000;
/** How often the host's own addresses are compared while flows are open, milliseconds. */
const COMPARE_MS = 100;
/** A comparison that comes that much late means that the host has slept, milliseconds. */
const SLEPT_MS = 5_000;

/** How often a flow is tried anew if the instance that was to serve it cannot be found. */
const MAX_TRIES = 3;

/**
 * The user's side of the SAL: one session a service and instance, any number of flows in it. Flows survive moves of the
 * service and of this host.
 */
export class SalClient {
  readonly #options: SalClientOptions;
  readonly #dependencies: ClientSessionDependencies;
  /** The sessions of each service. */
  readonly #replicas = new Map<Hex, Replicas>();
  /** All of these sessions. */
  readonly #all = new Set<ClientSession>();
  readonly #starting = new Map<Hex, Promise<ClientSession>>();
  readonly #idle = new Map<ClientSession, () => void>();
  readonly #closing = new AbortController();
  #compare: (() => void) | undefined;
  #addresses = "";

  constructor(options: SalClientOptions, dependencies: ClientSessionDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
  }

  /** Sessions with a service. */
  get sessions(): readonly ClientSession[] {
    return [...this.#all];
  }

  /**
   * Opens a flow to a service.
   *
   * @param service A name (`weather.bloc.alt`) or a service ID.
   * @param signal Ends the lookup and the connecting; the open flow no longer.
   * @returns The flow, when the service has accepted it.
   * @throws BlockcloudError of `salErrors` or `resolveErrors`; or the signal's reason.
   */
  async connect(service: string, port: number, signal?: AbortSignal): Promise<Flow> {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw salError("options", `Not a port: ${String(port).slice(0, 20)}.`);
    }
    const closing = this.#closing.signal;
    const each = signal === undefined ? closing : AbortSignal.any([closing, signal]);
    each.throwIfAborted();
    for (let left = MAX_TRIES - 1; ; left -= 1) {
      const session = await this.session(service, each);
      try {
        return await session.open(port, each);
      } catch (error) {
        // The program has sent nothing yet: another instance, or the place to which the service goes, may serve it.
        const isElsewhere = session.isAstray || (isLeaving(error) && !session.isOpen);
        if (left === 0 || !isElsewhere) throw error;
      } finally {
        this.#used(session);
      }
    }
  }

  /** The session for a new flow to a service; one is begun if there is none. */
  async session(service: string, signal: AbortSignal): Promise<ClientSession> {
    const located = await this.#dependencies.locator.locate(service, signal);
    const { serviceId } = located;
    const known = this.#replicas.get(serviceId);
    const chosen = known?.choose(located, this.#dependencies.clock.monotonic(), (endpoint) => {
      this.#beginBeside(located, endpoint, known);
    });
    if (chosen !== undefined) return chosen;
    let starting = this.#starting.get(serviceId);
    if (starting === undefined) {
      // One for all callers: it ends with the client, not with one of them.
      starting = this.#begin(located).finally(() => this.#starting.delete(serviceId));
      this.#starting.set(serviceId, starting);
      starting.catch(() => undefined);
    }
    return raceSignal(starting, signal);
  }

  /** Ends all flows, and pays what they owe; before {@link close}. Opens no more flows. */
  async settle(error: BlockcloudError): Promise<void> {
    this.#closing.abort(error);
    await Promise.all(this.sessions.map((session) => session.settle(error)));
  }

  /** Ends all sessions. */
  close(error: BlockcloudError = salError("closed", "The client was closed.")): void {
    this.#closing.abort(error);
    this.#compare?.();
    for (const cancel of this.#idle.values()) cancel();
    this.#idle.clear();
    for (const session of this.sessions) session.close(error);
  }

  async #begin(located: Located): Promise<ClientSession> {
    try {
      return await this.#start(located);
    } catch (error) {
      if (!isLeaving(error)) throw error;
      // A service that stops at one place may have published another one a moment ago. If the lookup fails, the
      // caller is told the first error, which says more.
      const { serviceId, issuedAt } = located;
      const newer = await this.#dependencies.locator
        .relocate(serviceId, issuedAt, this.#closing.signal)
        .catch(() => located);
      if (newer.issuedAt <= issuedAt) throw error;
      return await this.#start(newer);
    }
  }

  /** Begins a session with another instance; its failure concerns no flow. */
  #beginBeside(located: Located, endpoint: string, replicas: Replicas): void {
    if (this.#isFull) return;
    const { clock, log } = this.#dependencies;
    const beginning = replicas.begin(endpoint);
    let isKnown = false;
    const check = (instance: string) => {
      isKnown = replicas.met(endpoint, instance);
      if (isKnown) throw salError("cancelled", "There is a session with this instance.");
    };
    this.#start(located, { endpoint, check }).then(
      (session) => {
        beginning.end(true, clock.monotonic());
        this.#used(session);
      },
      (error: unknown) => {
        beginning.end(isKnown, clock.monotonic());
        this.#forget(located.serviceId);
        if (!isKnown) log.debug("an endpoint is passed over", { endpoint, error });
      },
    );
  }

  async #start(
    located: Located,
    only?: Parameters<ClientSession["start"]>[1],
  ): Promise<ClientSession> {
    this.#makeRoom();
    const session = new ClientSession(located, this.#options.identity, this.#dependencies);
    await session.start(this.#closing.signal, only);
    if (this.#closing.signal.aborted) {
      session.close();
      this.#closing.signal.throwIfAborted();
    }
    const { serviceId } = session;
    const replicas = this.#replicas.get(serviceId) ?? new Replicas();
    this.#replicas.set(serviceId, replicas);
    replicas.sessions.add(session);
    this.#all.add(session);
    session.onEnd = () => {
      this.#all.delete(session);
      replicas.sessions.delete(session);
      this.#forget(serviceId);
      this.#idle.get(session)?.();
      this.#idle.delete(session);
    };
    this.#planCompare();
    return session;
  }

  #forget(serviceId: Hex): void {
    if (this.#replicas.get(serviceId)?.isIdle === true) this.#replicas.delete(serviceId);
  }

  get #isFull(): boolean {
    const { maxSessions = MAX_SESSIONS } = this.#options;
    return this.#all.size + this.#starting.size >= maxSessions;
  }

  #makeRoom(): void {
    if (!this.#isFull) return;
    const idle = this.sessions.find(({ flows }) => flows === 0);
    if (idle === undefined) throw salError("busy", `All ${this.#all.size} sessions have flows.`);
    idle.close();
  }

  /** A session that stays without flows is ended. */
  #used(session: ClientSession): void {
    const { idleMs = IDLE_MS } = this.#options;
    this.#idle.get(session)?.();
    if (!this.#all.has(session)) return;
    const check = () => {
      if (session.flows > 0) {
        this.#idle.set(session, this.#dependencies.clock.after(idleMs, check));
        return;
      }
      this.#idle.delete(session);
      session.close();
    };
    this.#idle.set(session, this.#dependencies.clock.after(idleMs, check));
  }

  /** Notices that this host has another address, or has slept; only while there are flows. */
  #planCompare(): void {
    if (this.#compare !== undefined) return;
    const { clock } = this.#dependencies;
    this.#addresses = interfaceFingerprint();
    let last = clock.monotonic();
    const compare = () => {
      this.#compare = undefined;
      if (this.#all.size === 0) return;
      const now = clock.monotonic();
      const hasSlept = now - last > SLEPT_MS;
      last = now;
      const active = this.sessions.filter(({ flows }) => flows > 0);
      const addresses = active.length > 0 ? interfaceFingerprint() : this.#addresses;
      const isOther = addresses !== this.#addresses;
      this.#addresses = addresses;
      if (isOther || hasSlept) {
        for (const session of active) session.reconsider(isOther ? "interfaces" : "wake");
      }
      this.#compare = clock.after(COMPARE_MS, compare);
    };
    this.#compare = clock.after(COMPARE_MS, compare);
  }
}

function isLeaving(error: unknown): boolean {
  return error instanceof BlockcloudError && error.code === salErrors.leaving;
}
