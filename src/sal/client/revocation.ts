import type { BlockcloudError } from "../../protocol/errors.ts";
import { resolveErrors } from "../../resolver/answer.ts";
import { salError } from "../errors.ts";

/** Verdicts of a lookup after which a service has no right to go on. */
const NO_SERVICE: readonly string[] = [
  resolveErrors.unknown,
  resolveErrors.inactive,
  resolveErrors.dropped,
  resolveErrors.delegation,
];

/** What flows end with if an error says that their service has no right to go on; undefined for any other error. */
export function revocationOf(error: BlockcloudError): BlockcloudError | undefined {
  if (!NO_SERVICE.includes(error.code)) return undefined;
  return salError("revoked", `The service ended: ${error.message}`, { cause: error });
}
