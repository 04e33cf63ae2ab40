import { BlockcloudError } from "../../../../src/protocol/errors.ts";
import { asFailure, PageError } from "../../failure.ts";

/** An error of the package in the page's terms: its message holds the remedy, too. */
export function failureOf(error: unknown): PageError {
  if (!(error instanceof BlockcloudError)) return asFailure(error);
  const { code, message, remedy } = error;
  if (remedy === undefined) return new PageError(code, message, { cause: error });
  return new PageError(code, message.replace(remedy, "").trim(), { remedy, cause: error });
}
