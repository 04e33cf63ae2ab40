import type { Scheduler as Clock } from "../../node/scheduler.ts";
import type { BlockcloudError } from "../../protocol/errors.ts";
import type { CreditPool } from "./credit.ts";
import type { Flow } from "./flow.ts";

/** What a side of a session does besides carrying flows; the two roles differ. */
export interface SessionRole {
  /** A frame that belongs to one role; returns whether this role knows it. */
  frame(type: number, flow: number, payload: Buffer): boolean;
  /** Whether a flow with this number was opened, by whichever side opens them; it may be over. */
  hasOpened(flow: number): boolean;
  /** Bytes came from the peer. */
  heard(): void;
  /** Something was sent after a time in which the peer owed no acknowledgement. */
  sending(): void;
  /** The present link is over; the session waits for another one. */
  lost(error: Error | undefined): void;
  /** The session is over. */
  ended(error: BlockcloudError): void;
  /** A flow is over. */
  flowOver(flow: Flow): void;
}

export interface SessionDependencies {
  clock: Clock;
  credit?: CreditPool;
}
