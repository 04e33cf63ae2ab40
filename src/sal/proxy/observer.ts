import type { Bound } from "../../net/peerBounds.ts";
import type { ProxyForm } from "./dial.ts";

/** Observes a proxy, for metrics. */
export interface ProxyObserver {
  /** A connection was opened for a program; with `http`, a request was accepted. */
  opened(form: ProxyForm): void;
  /** It has ended; bytes from the program, and to it. */
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
