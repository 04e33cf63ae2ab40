import type { Socket } from "node:net";
import type { Logger } from "../../node/logger.ts";
import type { Scheduler } from "../../node/scheduler.ts";
import type { DialRules } from "../../net/dialRules.ts";
import { plainAddress } from "../../net/peer.ts";
import { salError } from "../errors.ts";
import type { Link, Place } from "../transport/link.ts";
import { TRIES_PER_MINUTE, UpgradeBudget } from "./budget.ts";
import {
  CandidateKind,
  encodeCandidates,
  MAX_CANDIDATES,
  NoPunch,
  type Candidate,
} from "./candidates.ts";
import { DirectRules } from "./directRules.ts";
import { DIAL_MS, punchTcp } from "./punchTcp.ts";
import type { DirectSettings } from "./settings.ts";

/** How long a provider dials, and waits for the client's first byte, milliseconds. */
const PUNCH_MS = 1_500;

export interface ProviderDirectDependencies {
  clock: Scheduler;
  log: Logger;
  rules: DialRules;
  /** Where the provider listens, and where a gateway leads to it. */
  places(): readonly Candidate[];
  /** Dials through NATs; a test replaces it. */
  dial?: typeof punchTcp<Socket>;
  /** Takes a direct connection, as one that its server has accepted. */
  accept(socket: Socket): void;
}

/** The provider's side of direct paths: it says where it can be reached, and dials when a client does. */
export class ProviderDirect {
  readonly #relayOnly: boolean;
  readonly #rules: DirectRules;
  readonly #dependencies: ProviderDirectDependencies;
  readonly #budget: UpgradeBudget;
  readonly #punched = new WeakSet<Link>();
  readonly #over = new AbortController();

  constructor(
    { relayOnly = false, lan = false, triesPerMinute = TRIES_PER_MINUTE }: DirectSettings,
    dependencies: ProviderDirectDependencies,
  ) {
    this.#dependencies = dependencies;
    this.#relayOnly = relayOnly;
    this.#rules = new DirectRules(dependencies.rules, lan);
    this.#budget = new UpgradeBudget(triesPerMinute, dependencies.clock);
  }

  /** The payload of CANDIDATES for a relayed link. */
  offer(attempt: number, { relayed, localPort }: Link): Buffer {
    if (this.#relayOnly) {
      return encodeCandidates({ attempt, noPunch: NoPunch.off, candidates: [] });
    }
    const rules = this.#rules;
    const { visitor, self } = relayed ?? {};
    const isNear =
      visitor !== undefined &&
      self !== undefined &&
      plainAddress(visitor.address) === plainAddress(self.address);
    const candidates = this.#dependencies
      .places()
      .filter(({ kind }) => kind !== CandidateKind.lan || (isNear && rules.lan))
      .slice(0, MAX_CANDIDATES - 1);
    const mayPunch = self !== undefined && localPort > 0 && visitor !== undefined;
    const noPunch =
      !mayPunch || !rules.allowsPlace(visitor) || !rules.allowsPlace(self)
        ? NoPunch.address
        : isNear
          ? NoPunch.sameAddress
          : NoPunch.none;
    const punch: Candidate[] =
      noPunch === NoPunch.none && self !== undefined
        ? [{ kind: CandidateKind.punch, ...self, address: plainAddress(self.address) }]
        : [];
    return encodeCandidates({ attempt, noPunch, candidates: [...candidates, ...punch] });
  }

  /**
   * The client of a relayed link dials now: this side does the same, once for each link. Where to, only the relay says.
   *
   * @param rttMs Of the link.
   */
  punch(link: Link, rttMs: number): void {
    const rules = this.#rules;
    const { clock, log, accept, dial = punchTcp } = this.#dependencies;
    const { relayed, localPort } = link;
    const visitor = relayed?.visitor;
    if (this.#relayOnly || visitor === undefined || localPort === 0) return;
    if (this.#punched.has(link)) return;
    this.#punched.add(link);
    const to: Place = { address: plainAddress(visitor.address), port: visitor.port };
    if (!rules.allowsPlace(to)) {
      log.debug("the rules forbid to dial a visitor", { address: to.address });
      return;
    }
    if (this.#budget.take(to.address) > 0) {
      log.debug("too many direct paths were tried", { address: to.address });
      return;
    }
    const dialMs = Math.max(DIAL_MS, rttMs);
    const options = { localPort, to, dialMs, limitMs: PUNCH_MS, clock };
    dial(options, firstByte, this.#over.signal).then(accept, (error: unknown) => {
      log.debug("no direct path", { address: to.address, error });
    });
  }

  stop(): void {
    this.#over.abort(salError("closed", "The provider stops."));
  }
}

/** Waits until the client speaks: one end of a connection may know it while the other end still dials. */
function firstByte(socket: Socket, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      signal.removeEventListener("abort", abort);
      socket.off("readable", ready);
      socket.off("error", fail);
      socket.off("close", closed);
    };
    const ready = () => {
      settle();
      resolve(socket);
    };
    const fail = (error: Error) => {
      settle();
      reject(error);
    };
    const closed = () => {
      fail(salError("noPath", "The connection was closed."));
    };
    const abort = () => {
      fail(signal.reason as Error);
    };
    signal.addEventListener("abort", abort, { once: true });
    socket.once("readable", ready);
    socket.once("error", fail);
    socket.once("close", closed);
  });
}
