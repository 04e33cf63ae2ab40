import { CommanderError } from "commander";
import { BlockcloudError } from "../../protocol/errors.ts";

/** Exit codes of every command (docs/cli.md). */
export const exitCodes = {
  ok: 0,
  /** The command did not do what it was asked to. */
  failed: 1,
  /** Flags, environment, configuration, key or deployment files are wrong. */
  usage: 2,
  /** The person said no, or nobody was there to say yes. */
  refused: 3,
  /** The chain or its RPC endpoint cannot be reached. */
  unreachable: 4,
  /** The contracts refuse the call. */
  reverted: 5,
  /** Ctrl-C or SIGTERM; what was begun continues when the command runs again. */
  interrupted: 130,
} as const;

/** Codes of errors that are neither a plain failure nor told by their prefix. */
const byCode: Readonly<Record<string, number>> = {
  CONFIG_INVALID: exitCodes.usage,
  USAGE: exitCodes.usage,
  DEPLOYMENT_INVALID: exitCodes.usage,
  PROBE_INVALID: exitCodes.usage,
  CLASS_UNKNOWN: exitCodes.usage,
  CHAIN_MISMATCH: exitCodes.usage,
  SERVICE_KEY_OTHER: exitCodes.usage,
  SERVICE_RETIRED: exitCodes.usage,
  SERVICE_UNREGISTERED: exitCodes.usage,
  REFUSED: exitCodes.refused,
  INTERRUPTED: exitCodes.interrupted,
  CHAIN_UNREACHABLE: exitCodes.unreachable,
  TRANSACTION_FAILED: exitCodes.unreachable,
  NONCE_STALE: exitCodes.unreachable,
  CALL_REVERTED: exitCodes.reverted,
  TRANSACTION_REVERTED: exitCodes.reverted,
};

/** The exit code that an error ends the process with. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
  if (!(error instanceof BlockcloudError)) return exitCodes.failed;
  if (error.code.startsWith("KEY_")) return exitCodes.usage;
  return byCode[error.code] ?? exitCodes.failed;
}
