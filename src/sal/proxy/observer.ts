import type { Bound } from "../../net/peerBounds.ts";
import type { ProxyForm } from "./dial.ts";

/** Observes a proxy, for metrics. */
export interface ProxyObserver {
  /** A connection was opened for a program; with `http`, a service has begun to respond. */
  opened(form: ProxyForm): void;
  /** It has ended; bytes from the program, and to it. With `http`, those of the bodies. */
  closed(form: ProxyForm, bytes: { up: number; down: number }): void;
  /** The proxy refused a client, or could not do what it asked; the code of the error. */
  refused(code: string): void;
  /** A connection was closed at once, because a bound was reached. */
  connectionRefused(bound: Bound): void;
}

/** Observes nothing. */
export const blindObserver: ProxyObserver = {
  opened() {},
  closed() {},
  refused() {},
  connectionRefused() {},
};
