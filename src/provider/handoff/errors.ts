import { BlockcloudError } from "../../protocol/errors.ts";

const REMEDIES = {
  /** The other side has not proved to be a process of the service. */
  HANDOFF_REFUSED:
    "Run both processes with the same services and keys, and one after the other; see docs/operations.md.",
  /** The other side broke the rules of the channel, closed it, or did not answer in time. */
  HANDOFF_FAILED: "Start the new process again with --take-over: the old one serves on until then.",
} as const;

/** An error of the channel between a process and the one that takes its place. */
export function handoffError(
  code: keyof typeof REMEDIES,
  message: string,
  options: { cause?: unknown; retryable?: boolean } = {},
): BlockcloudError {
  return new BlockcloudError(code, message, { ...options, remedy: REMEDIES[code] });
}
