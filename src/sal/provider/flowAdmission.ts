import { peerOf } from "../../net/peer.ts";
import { PeerBounds } from "../../net/peerBounds.ts";
import { RateLimit } from "../../node/rateLimit.ts";
import type { BlockcloudError } from "../../protocol/errors.ts";
import { salError } from "../errors.ts";
import type { SalLimitValues } from "./limits.ts";

/** Counts the flows of a service by the addresses of its clients, and how fast they open them. */
export class FlowAdmission {
  readonly #flows: PeerBounds;
  readonly #opening: RateLimit;

  constructor(limits: SalLimitValues, monotonic: () => number) {
    const { maxFlows: total, maxFlowsPerPeer: perPeer } = limits;
    const { opensPerSecond: perSecond, openBurst: burst, maxPeers } = limits;
    this.#flows = new PeerBounds({ total, perPeer });
    this.#opening = new RateLimit({ perSecond, burst, maxPeers }, monotonic);
  }

  /** Open flows. */
  get size(): number {
    return this.#flows.size;
  }

  /** Why this address may not open one more flow; undefined if it may. Asking counts as opening. */
  refusal(address: string): BlockcloudError | undefined {
    // Flows that are refused count here, too: they cost an answer.
    if (this.#opening.take(peerOf(address)) > 0) {
      return salError("busy", "Too many flows were opened at once.");
    }
    const reached = this.#flows.reached(address);
    return reached === undefined ? undefined : salError("busy", `Too many flows (${reached}).`);
  }

  /** Counts a flow until the returned function is called. */
  count(address: string): () => void {
    this.#flows.add(address);
    return () => {
      this.#flows.remove(address);
    };
  }
}
