import type { Hex } from "viem";
import type { BlockcloudError } from "../../protocol/errors.ts";
import type { Flow } from "../session/flow.ts";

/** The session, as its meter needs it. */
export interface PayingHost {
  readonly serviceId: Hex;
  readonly flows: ReadonlyMap<number, Flow>;
  /** Sends a PAY. */
  pay(payload: Buffer): void;
  /** Ends the flows, and the session when the provider has all that was sent. */
  leave(error: BlockcloudError): void;
}
