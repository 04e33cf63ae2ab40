import { HTTP_PORT } from "../../protocol/exchange.ts";
import type { MeteredFlow } from "./meteredFlow.ts";

/** How requests within a flow of a priced service are paid. */
export interface FlowPayment {
  /**
   * Counts a request. It waits while the window is full, or while the client's payment is under way.
   *
   * @returns `charged` to the session's tab, or `free` within the allowance of the peer: the request is served.
   *   `unpaid`: the client does not pay in the session, and its allowance is used up.
   */
  request(): Promise<"charged" | "free" | "unpaid">;
  /**
   * The bytes of the flow do not count from now on, because the request is paid otherwise, until the returned function
   * is called.
   */
  waive(): () => void;
}

const payments = new WeakMap<object, FlowPayment>();

/**
 * How the requests of a connection are paid; undefined if it is no flow of a priced service.
 *
 * @param socket The connection of a request: a flow that `asSocket` has prepared is the flow itself.
 */
export function paymentOf(socket: object): FlowPayment | undefined {
  return payments.get(socket);
}

/** Says how the requests of a flow are paid. */
export function setPayment(flow: object, payment: FlowPayment): void {
  payments.set(flow, payment);
}

/** Lets the requests of a flow be paid in its session. */
export function payBySession(flow: MeteredFlow, request: FlowPayment["request"]): void {
  setPayment(flow, {
    // A flow of another port was counted when it was opened.
    request: flow.port === HTTP_PORT ? request : () => Promise.resolve("charged"),
    waive: () => flow.waive(),
  });
}
