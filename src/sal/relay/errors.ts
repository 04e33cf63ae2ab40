import { BlockcloudError } from "../../protocol/errors.ts";

/** The error codes of relays, and what to do. */
export const relayErrors = {
  /** The relay did not take the reservation. */
  refused: "RELAY_REFUSED",
  /** The relay cannot be reached, or does not speak the protocol. */
  unreachable: "RELAY_UNREACHABLE",
  /** The relay was lost. */
  lost: "RELAY_LOST",
  /** The relay's address cannot be bound. */
  listen: "RELAY_LISTEN",
  /** An option has an impossible value. */
  options: "RELAY_OPTIONS",
  /** The reservation names another relay. */
  name: "RELAY_NAME",
} as const;

const REMEDIES: Record<keyof typeof relayErrors, string> = {
  refused: "See the reason; the reservation is tried again.",
  unreachable: "Check the relay's address; it is tried again.",
  lost: "It is tried again; use two relays, so that clients do not notice.",
  listen: "Choose a free port and an address of the host.",
  options: "Correct the option.",
  name: "Dial the relay by a name that it has: --name of relay run.",
};

/** An error of a relay, or of a provider's connection to one. */
export function relayError(
  name: keyof typeof relayErrors,
  message: string,
  cause?: unknown,
): BlockcloudError {
  const retryable = name === "refused" || name === "unreachable" || name === "lost";
  return new BlockcloudError(relayErrors[name], message, {
    cause,
    remedy: REMEDIES[name],
    retryable,
  });
}
