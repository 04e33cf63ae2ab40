import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { AnswerError, EndpointFault, RevertError, whatFailed, type FaultKind } from "./faults.ts";
import { JsonRpc } from "./jsonRpc.ts";
import { resultFault } from "./schemas.ts";

/**
 * `lagging`: its head is far behind another's; `impossible`: its head is one that the chain cannot have;
 * `wrong`: it serves another chain.
 */
export type EndpointState = "up" | "down" | "lagging" | "impossible" | "wrong";

/** Takes note of what endpoints do; they are told by their place in the list, from 1. */
export interface RpcObserver {
  /** A request has ended; `error`: with the node's own error. */
  answered(endpoint: number, outcome: "ok" | FaultKind): void;
  changed(endpoint: number, state: EndpointState): void;
}

/** First and longest pause after a fault, milliseconds; it doubles with each fault in a row. */
const PAUSE_MS = { least: 1_000, most: 60_000 };
/** Most of the pause where no other endpoint is well, milliseconds: one that is back must be noticed. */
const URGENT_PAUSE_MS = 4_000;
/** Longest pause that an endpoint may ask for, milliseconds. */
const MOST_ASKED_MS = 60_000;
/** How often an endpoint that is well is asked again which chain it serves, milliseconds. */
const VERIFY_MS = 300_000;

export interface EndpointDependencies {
  timers: Pick<Timers, "monotonic">;
  log: Logger;
  observer: RpcObserver | undefined;
}

/** One RPC endpoint and what is known of its health. */
export class Endpoint {
  /** Its place in the list, from 1: its URL may hold a key and is never shown. */
  readonly place: number;
  readonly #rpc: JsonRpc;
  readonly #chainId: number;
  readonly #d: EndpointDependencies;
  #state: EndpointState = "up";
  #verifying: Promise<void> | undefined;
  /** When it last said that it serves the chain; undefined as long as that is not known. */
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
    this.#d = dependencies;
  }

  get state(): EndpointState {
    return this.#state;
  }

  /** Whether the pause after its last fault is over. */
  get isRested(): boolean {
    return this.#d.timers.monotonic() >= this.#pausedUntil;
  }

  /** When it may be asked though it has failed, because none is well; by the monotonic timer. */
  get urgentAt(): number {
    return this.#urgentAt;
  }

  /** Why it did not answer the last time; undefined where it did. */
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
        this.#d.observer?.answered(this.place, "error");
      } else if (error instanceof EndpointFault) this.#fails(error);
      throw error;
    }
  }

  /** Says how far its head is behind the best of all, or that the chain cannot have such a head. */
  judge(behind: bigint | "impossible", tolerated: bigint): void {
    const about = { endpoint: this.place };
    // It has failed since it said so.
    if (this.#state === "down" || this.#state === "wrong") return;
    if (behind === "impossible") {
      if (this.#state === "impossible") return;
      this.#enter("impossible");
      this.#d.log.error("an RPC endpoint shows a head that the chain cannot have", about);
    } else if (behind > tolerated) {
      if (this.#state === "lagging") return;
      this.#enter("lagging");
      this.#d.log.warn("an RPC endpoint lags behind", { ...about, blocks: behind });
    } else if (this.#state === "lagging" || this.#state === "impossible") {
      this.#enter("up");
      this.#d.log.info("an RPC endpoint has caught up", about);
    }
  }

  /** The chain is asked for before anything else, after each fault, and from time to time. */
  async #verify(): Promise<void> {
    const at = this.#verifiedAt;
    if (at !== undefined && this.#d.timers.monotonic() < at + VERIFY_MS) return;
    this.#verifying ??= this.#askChain().finally(() => {
      this.#verifying = undefined;
    });
    await this.#verifying;
  }

  /** Only success is kept: an error says nothing of the chain, and the question is asked again. */
  async #askChain(): Promise<void> {
    let id: number;
    try {
      id = Number(await this.#ask("eth_chainId", []));
    } catch (error) {
      if (error instanceof EndpointFault) throw error;
      throw new EndpointFault(
        "error",
        `It does not say which chain it serves: ${whatFailed(error)}`,
      );
    }
    if (id !== this.#chainId) {
      const message = `RPC endpoint ${this.place} serves chain ${id}, not ${this.#chainId}.`;
      throw new EndpointFault("wrong chain", message);
    }
    this.#verifiedAt = this.#d.timers.monotonic();
  }

  async #ask(method: string, params: unknown): Promise<unknown> {
    const result = await this.#rpc.request(method, params);
    const fault = resultFault(method, params, result);
    if (fault !== undefined) throw new EndpointFault("malformed", fault);
    this.#d.observer?.answered(this.place, "ok");
    return result;
  }

  #answers(): void {
    this.#lastFault = undefined;
    this.#faults = 0;
    this.#pausedUntil = 0;
    this.#urgentAt = 0;
    if (this.#state !== "down" && this.#state !== "wrong") return;
    this.#enter("up");
    this.#d.log.info("an RPC endpoint answers again", { endpoint: this.place });
  }

  #fails(fault: EndpointFault): void {
    const { kind, retryAfterMs = 0 } = fault;
    this.#d.observer?.answered(this.place, kind);
    this.#lastFault = fault;
    this.#verifiedAt = undefined;
    const now = this.#d.timers.monotonic();
    const pause = Math.min(PAUSE_MS.least * 2 ** this.#faults, PAUSE_MS.most);
    const asked = Math.min(retryAfterMs, MOST_ASKED_MS);
    this.#faults += 1;
    this.#pausedUntil = now + Math.max(pause, asked);
    this.#urgentAt = now + Math.max(Math.min(pause, URGENT_PAUSE_MS), asked);
    const about = { endpoint: this.place, kind, error: fault };
    const isWrong = kind === "wrong chain";
    if (this.#state === (isWrong ? "wrong" : "down")) return;
    // As long as it does not say otherwise, it serves the chain that it said last.
    if (this.#state === "wrong") return;
    this.#enter(isWrong ? "wrong" : "down");
    if (isWrong) this.#d.log.error("an RPC endpoint serves another chain and is not used", about);
    else this.#d.log.warn("an RPC endpoint fails", about);
  }

  #enter(state: EndpointState): void {
    this.#state = state;
    this.#d.observer?.changed(this.place, state);
  }
}
