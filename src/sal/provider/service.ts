import type { Address, Hex } from "viem";
import type { Flow } from "../session/flow.ts";

/** Who opened a flow. */
export interface FlowPeer {
  /** Address of the client's end of the link. */
  readonly address: string;
  /** The key by which the client is known to this service; undefined if the service does not ask. */
  readonly client: Address | undefined;
  /**
   * Counts the flow for longer: until the returned function is called, and at least until the flow is closed. A handler
   * with a connection of its own holds the flow while that is open, because the limits on flows bound the work that
   * they cause. A second call of the returned function changes nothing; a handler that never calls it uses up one flow
   * of its client for good.
   *
   * @example
   * socket.once("close", peer.hold());
   */
  hold(): () => void;
}

/**
 * Serves a flow. The flow is open for the client when the promise is fulfilled; a rejection resets it with the
 * error's code.
 */
export type FlowHandler = (flow: Flow, peer: FlowPeer) => Promise<void>;

/** A service as the SAL serves it. */
export interface ServedService {
  readonly serviceId: Hex;
  /** The service's key, 32 bytes; and the older one that auditors expect until the epoch ends. */
  readonly keys: readonly Uint8Array[];
  /** Whether clients must say who they are. */
  readonly asksClient: boolean;
  /** The handler of each offered port; all other ports are refused. */
  readonly ports: ReadonlyMap<number, FlowHandler>;
}
