import type { Socket } from "node:net";

/** What a relay tells a visitor that it cannot serve, in the words of TLS (RFC 8446, 6): hints, never verdicts. */
export const alerts = {
  /** No provider of the service has a reservation: unrecognized_name. */
  unknown: 112,
  /** The provider does not answer: internal_error. */
  silent: 80,
  /** A limit is reached: access_denied. */
  quota: 49,
  /** The first bytes are not what the relay leads anywhere: no_application_protocol. */
  protocol: 120,
} as const;
export type Alert = keyof typeof alerts;

const ALERT_RECORD = 0x15;
const FATAL = 2;

/** Tells a visitor why it is refused, and closes its connection. */
export function refuse(socket: Socket, alert: Alert): void {
  if (socket.destroyed) return;
  socket.write(Buffer.of(ALERT_RECORD, 3, 3, 0, 2, FATAL, alerts[alert]));
  // What is unread when a connection is closed resets it, and the alert would be lost.
  socket.resume();
  socket.destroySoon();
}
