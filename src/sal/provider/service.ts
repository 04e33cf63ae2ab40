import type { Address, Hex } from "viem";
import type { Flow } from "../session/flow.ts";

/** Who opened a flow. */
export interface FlowPeer {
  /** Address of the client's end of the link. */
  readonly address: string;
  /** The key by which the client is known to this service; undefined if the service does not ask. */
  readonly client: Address | undefined;
  /**
   * Counts the flow until the returned function is called, besides the time until the flow is closed: while the
   * handler's own connection is open. The limits on flows count the work that they cause.
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
