import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { AnswerError, EndpointFault, RevertError, whatFailed, type FaultKind } from "./faults.ts";
import { JsonRpc } from "./jsonRpc.ts";
import { resultFault } from "./schemas.ts";

/**
 * `lagging`: its head is far behind another's; `impossible`: the chain cannot have its head;
 * `wrong`: it serves another chain.
 */
export type EndpointState = "up" | "down" | "lagging" | "impossible" | "wrong";

/** Observes endpoints; an endpoint is identified by its place in the list, from 1. */
export interface RpcObserver {
  /** A request has ended; `error`: with an error of the node. */
  answered(endpoint: number, outcome: "ok" | FaultKind): void;
  changed(endpoint: number, state: EndpointState): void;
}

/** First and longest pause after a fault, milliseconds; it doubles with each consecutive fault. */
const PAUSE_MS = { least: 1_000, most: 60_000 };
/** Maximum pause while no other endpoint works, milliseconds: a recovery must be noticed. */
const URGENT_PAUSE_MS = 4_000;
/** Maximum pause that an endpoint may request, milliseconds. */
const MOST_ASKED_MS = 60_000;
/** Interval between checks of a working endpoint's chain ID, milliseconds. */
const VERIFY_MS = 300_000;

export interface EndpointDependencies {
  timers: Pick<Timers, "monotonic">;
  log: Logger;
  observer: RpcObserver | undefined;
}

/** An RPC endpoint and its health. */
export class Endpoint {
  /** Its place in the list, from 1. Its URL may contain a key and is never shown. */
  readonly place: number;
  readonly #rpc: JsonRpc;
  readonly #chainId: number;
  readonly #timers: Pick<Timers, "monotonic">;
  readonly #log: Logger;
  readonly #observer: RpcObserver | undefined;
  #state: EndpointState = "up";
  #verifying: Promise<void> | undefined;
  /** The time of the last successful check of its chain ID; undefined before the first. */
  #verifiedAt: number | undefined;
  #faults = 0;
  #pausedUntil = 0;
  #urgentAt = 0;
  #lastFault: EndpointFault | undefined;

  constructor(
    options: { url: string; place: number; chainId: number; timeoutMs: number },
    dependencies: EndpointDependencies,
  ) {
    this.place = options.place;
    this.#chainId = options.chainId;
    this.#rpc = new JsonRpc(options);
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
    this.#observer = dependencies.observer;
  }

  get state(): EndpointState {
    return this.#state;
  }

  /** Whether the pause after its last fault is over. */
  get isRested(): boolean {
    return this.#timers.monotonic() >= this.#pausedUntil;
  }

  /** The time from which it may be used although it has failed, if no endpoint works; monotonic. */
  get urgentAt(): number {
    return this.#urgentAt;
  }

  /** The last fault; undefined if the last request succeeded. */
  get lastFault(): EndpointFault | undefined {
    return this.#lastFault;
  }

  /** @throws RevertError, AnswerError, EndpointFault. */
  async request(method: string, params: unknown): Promise<unknown> {
    try {
      await this.#verify();
      const result = await this.#ask(method, params);
      this.#answers();
      return result;
    } catch (error) {
      if (error instanceof AnswerError || error instanceof RevertError) {
        this.#answers();
        this.#observer?.answered(this.place, "error");
      } else if (error instanceof EndpointFault) this.#fails(error);
      throw error;
    }
  }

  /** Sets the lag of its head behind the best one, or that the chain cannot have its head. */
  judge(behind: bigint | "impossible", tolerated: bigint): void {
    const about = { endpoint: this.place };
    // It has failed since it returned the head.
    if (this.#state === "down" || this.#state === "wrong") return;
    if (behind === "impossible") {
      if (this.#state === "impossible") return;
      this.#enter("impossible");
      this.#log.error("an RPC endpoint has an impossible head", about);
    } else if (behind > tolerated) {
      if (this.#state === "lagging") return;
      this.#enter("lagging");
      this.#log.warn("an RPC endpoint lags behind", { ...about, blocks: behind });
    } else if (this.#state === "lagging" || this.#state === "impossible") {
      this.#enter("up");
      this.#log.info("an RPC endpoint has caught up", about);
    }
  }

  /** The chain ID is checked first, after each fault, and regularly. */
  async #verify(): Promise<void> {
    const at = this.#verifiedAt;
    if (at !== undefined && this.#timers.monotonic() < at + VERIFY_MS) return;
    this.#verifying ??= this.#askChain().finally(() => {
      this.#verifying = undefined;
    });
    await this.#verifying;
  }

  /** Only a success is kept; after an error the chain ID is requested again. */
  async #askChain(): Promise<void> {
    let id: number;
    try {
      id = Number(await this.#ask("eth_chainId", []));
    } catch (error) {
      if (error instanceof EndpointFault) throw error;
      throw new EndpointFault("error", `It does not return its chain ID: ${whatFailed(error)}`);
    }
    if (id !== this.#chainId) {
      const message = `RPC endpoint ${this.place} serves chain ${id}, not ${this.#chainId}.`;
      throw new EndpointFault("wrong chain", message);
    }
    this.#verifiedAt = this.#timers.monotonic();
  }

  async #ask(method: string, params: unknown): Promise<unknown> {
    const result = await this.#rpc.request(method, params);
    const fault = resultFault(method, params, result);
    if (fault !== undefined) throw new EndpointFault("malformed", fault);
    this.#observer?.answered(this.place, "ok");
    return result;
  }

  #answers(): void {
    this.#lastFault = undefined;
    this.#faults = 0;
    this.#pausedUntil = 0;
    this.#urgentAt = 0;
    if (this.#state !== "down" && this.#state !== "wrong") return;
    this.#enter("up");
    this.#log.info("an RPC endpoint answers again", { endpoint: this.place });
  }

  #fails(fault: EndpointFault): void {
    const { kind, retryAfterMs = 0 } = fault;
    this.#observer?.answered(this.place, kind);
    this.#lastFault = fault;
    this.#verifiedAt = undefined;
    const now = this.#timers.monotonic();
    const pause = Math.min(PAUSE_MS.least * 2 ** this.#faults, PAUSE_MS.most);
    const asked = Math.min(retryAfterMs, MOST_ASKED_MS);
    this.#faults += 1;
    this.#pausedUntil = now + Math.max(pause, asked);
    this.#urgentAt = now + Math.max(Math.min(pause, URGENT_PAUSE_MS), asked);
    const about = { endpoint: this.place, kind, error: fault };
    const isWrong = kind === "wrong chain";
    if (this.#state === (isWrong ? "wrong" : "down")) return;
    // Until it returns another chain ID, the last one is assumed.
    if (this.#state === "wrong") return;
    this.#enter(isWrong ? "wrong" : "down");
    if (isWrong) this.#log.error("an RPC endpoint serves another chain and is not used", about);
    else this.#log.warn("an RPC endpoint fails", about);
  }

  #enter(state: EndpointState): void {
    this.#state = state;
    this.#observer?.changed(this.place, state);
  }
}
