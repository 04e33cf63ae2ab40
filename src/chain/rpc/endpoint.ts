import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { AnswerError, EndpointFault, type FaultKind } from "./faults.ts";
import { JsonRpc } from "./jsonRpc.ts";
import { resultFault } from "./schemas.ts";

/** `lagging`: its head is far behind another's; `wrong`: it serves another chain, for good. */
export type EndpointState = "up" | "down" | "lagging" | "wrong";

/** Takes note of what endpoints do; they are told by their place in the list, from 1. */
export interface RpcObserver {
  /** A request has ended; `error`: with the node's own error. */
  answered(endpoint: number, outcome: "ok" | "error" | FaultKind): void;
  changed(endpoint: number, state: EndpointState): void;
}

/** First and longest pause after a fault, milliseconds; it doubles with each fault in a row. */
const PAUSE_MS = { least: 1_000, most: 60_000 };

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
  #verified: Promise<void> | undefined;
  #faults = 0;
  #pausedUntil = 0;

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

  /** @throws AnswerError, EndpointFault. */
  async request(method: string, params: unknown): Promise<unknown> {
    try {
      await this.#verify();
      const result = await this.#ask(method, params);
      this.#answers();
      return result;
    } catch (error) {
      if (error instanceof AnswerError) {
        this.#answers();
        this.#d.observer?.answered(this.place, "error");
      } else if (error instanceof EndpointFault) this.#fails(error);
      throw error;
    }
  }

  /** Says whether its head is far behind the others'. */
  judge(behind: bigint, tolerated: bigint): void {
    if (this.#state === "up" && behind > tolerated) {
      this.#enter("lagging");
      this.#d.log.warn("an RPC endpoint lags behind", { endpoint: this.place, blocks: behind });
    } else if (this.#state === "lagging" && behind <= tolerated) {
      this.#enter("up");
      this.#d.log.info("an RPC endpoint has caught up", { endpoint: this.place });
    }
  }

  /** The chain is asked for before anything else, and again after each fault. */
  #verify(): Promise<void> {
    this.#verified ??= this.#ask("eth_chainId", []).then((id) => {
      if (Number(id) === this.#chainId) return;
      const message = `RPC endpoint ${this.place} serves chain ${Number(id)}, not ${this.#chainId}.`;
      throw new EndpointFault("wrong chain", message);
    });
    return this.#verified;
  }

  async #ask(method: string, params: unknown): Promise<unknown> {
    const result = await this.#rpc.request(method, params);
    const fault = resultFault(method, params, result);
    if (fault !== undefined) throw new EndpointFault("malformed", fault);
    this.#d.observer?.answered(this.place, "ok");
    return result;
  }

  #answers(): void {
    this.#faults = 0;
    this.#pausedUntil = 0;
    if (this.#state !== "down") return;
    this.#enter("up");
    this.#d.log.info("an RPC endpoint answers again", { endpoint: this.place });
  }

  #fails(fault: EndpointFault): void {
    this.#d.observer?.answered(this.place, fault.kind);
    if (this.#state === "wrong") return;
    const about = { endpoint: this.place, kind: fault.kind, error: fault };
    if (fault.kind === "wrong chain") {
      this.#pausedUntil = Infinity;
      this.#enter("wrong");
      this.#d.log.error("an RPC endpoint serves another chain and is not used", about);
      return;
    }
    this.#verified = undefined;
    const pause = Math.min(PAUSE_MS.least * 2 ** this.#faults, PAUSE_MS.most);
    this.#faults += 1;
    this.#pausedUntil = this.#d.timers.monotonic() + pause;
    if (this.#state === "down") return;
    this.#enter("down");
    this.#d.log.warn("an RPC endpoint fails", about);
  }

  #enter(state: EndpointState): void {
    this.#state = state;
    this.#d.observer?.changed(this.place, state);
  }
}
