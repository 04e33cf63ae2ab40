import { CommanderError } from "commander";
import { BlockcloudError } from "../../protocol/errors.ts";

/** Exit codes of every command (docs/cli.md). */
export const exitCodes = {
  ok: 0,
  /** The command failed. */
  failed: 1,
  /** Flags, environment, configuration, key or deployment files are wrong. */
  usage: 2,
  /** The user declined, or there was no terminal to ask at. */
  refused: 3,
  /** The chain or its RPC endpoint cannot be reached. */
  unreachable: 4,
  /** The contracts refuse the call. */
  reverted: 5,
  /** Ctrl-C or SIGTERM; the command continues when it runs again. */
  interrupted: 130,
} as const;

/** Exit codes of errors that are neither 1 nor known by the error code's prefix. */
const byCode: Readonly<Record<string, number>> = {
  CONFIG_INVALID: exitCodes.usage,
  USAGE: exitCodes.usage,
  DEPLOYMENT_INVALID: exitCodes.usage,
  PROBE_INVALID: exitCodes.usage,
  CLASS_UNKNOWN: exitCodes.usage,
  CHAIN_MISMATCH: exitCodes.usage,
  CORAL_ADDRESS_INVALID: exitCodes.usage,
  GIFT_INVALID: exitCodes.usage,
  NO_TEST_CHAIN: exitCodes.usage,
  DATABASE_URL_INVALID: exitCodes.usage,
  SQL_NEEDS_POSTGRES: exitCodes.usage,
  AUDITOR_OPERATOR: exitCodes.usage,
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

/** The process's exit code for an error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
  if (!(error instanceof BlockcloudError)) return exitCodes.failed;
  if (error.code.startsWith("KEY_")) return exitCodes.usage;
  return byCode[error.code] ?? exitCodes.failed;
}
