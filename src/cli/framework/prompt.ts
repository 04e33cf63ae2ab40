import { BlockcloudError } from "../../protocol/errors.ts";
import type { CliIo } from "./io.ts";

/**
 * Asks for confirmation.
 *
 * @throws BlockcloudError `REFUSED` when the answer is no, or standard input is no terminal.
 */
export async function confirm(io: CliIo, question: string, signal: AbortSignal): Promise<void> {
  if (!io.interactive) {
    throw new BlockcloudError(
      "REFUSED",
      "The command needs a confirmation, but standard input is not a terminal.",
      {
        remedy: "Check the transactions with --dry-run, then give --yes.",
      },
    );
  }
  const { confirm: ask } = await import("@clack/prompts");
  const answer = await ask({
    message: question,
    initialValue: false,
    input: io.stdin,
    output: io.stderr,
    signal,
  });
  if (answer !== true) {
    throw new BlockcloudError("REFUSED", "Nothing was sent.", { remedy: "Run again to confirm." });
  }
}

/**
 * Asks for a password, without showing it.
 *
 * @throws BlockcloudError `KEY_PASSWORD_MISSING` when standard input is no terminal.
 */
export async function askPassword(
  io: CliIo,
  question: string,
  signal: AbortSignal,
): Promise<string> {
  if (!io.interactive) throw passwordMissing(question);
  const { password: ask } = await import("@clack/prompts");
  const answer = await ask({ message: question, input: io.stdin, output: io.stderr, signal });
  if (typeof answer !== "string") throw passwordMissing(question);
  return answer;
}

/** The error of a command that may not ask. */
export function passwordMissing(question: string): BlockcloudError {
  return new BlockcloudError("KEY_PASSWORD_MISSING", `A password is missing: ${question}.`, {
    remedy: "Give --password-file, or set BLOCKCLOUD_PASSWORD.",
  });
}
