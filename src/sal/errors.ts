import { BlockcloudError } from "../protocol/errors.ts";

/** The error codes of sessions and flows, and what to do. A lookup has its own codes (`resolveErrors`). */
export const salErrors = {
  /** No endpoint could be reached, or proved to be the service. */
  noPath: "SAL_NO_PATH",
  /** The peer broke the rules of the protocol. */
  protocol: "SAL_PROTOCOL",
  /** The peer speaks no version that this software knows. */
  version: "SAL_VERSION",
  /** An endpoint's receipt does not prove the service. */
  proof: "SAL_PROOF",
  /** The time limit was reached. */
  timeout: "SAL_TIMEOUT",
  /** The session ended before its flow did: bytes may be missing. */
  lost: "SAL_SESSION_LOST",
  /** The peer, or this process, is at a limit. */
  busy: "SAL_BUSY",
  /** The peer is about to stop. */
  leaving: "SAL_LEAVING",
  /** The provider's process was replaced, and has served on for as long as it may. */
  expired: "HANDOFF_EXPIRED",
  /** The program on the other side gave the flow up. */
  cancelled: "FLOW_CANCELLED",
  /** The service does not offer the port. */
  port: "PORT_REFUSED",
  /** Only TCP ports are offered. */
  udp: "UDP_UNSUPPORTED",
  /** The service's own server cannot be reached. */
  upstream: "UPSTREAM_FAILED",
  /** The service asks who its client is. */
  identity: "CLIENT_PROOF_REQUIRED",
  /** The service was retired or suspended, or its delegation ended or was taken back. */
  revoked: "SERVICE_REVOKED",
  /** Another key signs for the service now. */
  key: "KEY_CHANGED",
  /** No node of the record network took the service's record. */
  unpublished: "SAL_UNPUBLISHED",
  /** The service has a price, and was not paid. */
  unpaid: "SAL_UNPAID",
  /** The address cannot be bound. */
  listen: "SAL_LISTEN",
  /** This side was closed. */
  closed: "SAL_CLOSED",
  /** An option has an impossible value. */
  options: "SAL_OPTIONS",
} as const;

const REMEDIES: Record<keyof typeof salErrors, string> = {
  noPath: "Try again; if that does not help, ask the provider.",
  protocol: "Tell the maintainers which software the other side runs.",
  version: "Update the older one of the two sides.",
  proof: "Do not rely on the endpoint: it is not the service.",
  timeout: "Try again, or allow more time.",
  lost: "Open the flow again; the program has to find out what the service received.",
  busy: "Try again later, or raise the limit.",
  leaving: "Connect again: the next lookup finds where the service runs.",
  expired: "Open the flow again: the process in use now serves it.",
  cancelled: "Ask the provider why, if this happens again.",
  port: "Choose an offered port.",
  udp: "Use a TCP port.",
  upstream: "Ask the provider: the service itself does not answer.",
  identity: "Give the connection an identity.",
  revoked: "Look the service up again.",
  key: "Connect again, to the new key.",
  unpublished: "Check the addresses of the record network's nodes and the service's key.",
  unpaid:
    "Give the client a wallet, or let it spend more; the free allowance begins anew each epoch.",
  listen: "Choose a free port and an address of the host.",
  closed: "Create another one.",
  options: "Correct the option.",
};
const RETRYABLE: readonly string[] = [
  ...["noPath", "timeout", "lost", "busy", "leaving", "expired", "upstream", "unpublished"],
];

/** An error of a session or flow. */
export function salError(
  name: keyof typeof salErrors,
  message: string,
  options: { cause?: unknown; remedy?: string } = {},
): BlockcloudError {
  return new BlockcloudError(salErrors[name], message, {
    cause: options.cause,
    remedy: options.remedy ?? REMEDIES[name],
    retryable: RETRYABLE.includes(name),
  });
}
