import type { Hex } from "viem";
import { statusRemedies } from "../chain/services.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { ServiceStatus } from "../protocol/serviceStatus.ts";
import { resolveErrors } from "./answer.ts";

/** The errors of a lookup, each with its remedy. */

export function unknownService(what: string, cause?: unknown): BlockcloudError {
  return new BlockcloudError(resolveErrors.unknown, `There is no service ${what}.`, {
    cause,
    remedy: "Check the name or ID, and the deployment.",
  });
}

export function inactiveService(number: bigint, status: ServiceStatus): BlockcloudError {
  return new BlockcloudError(
    resolveErrors.inactive,
    `Service ${number} is not active: ${status}.`,
    {
      remedy: status === "Active" ? "Try again." : statusRemedies[status],
    },
  );
}

export function noRecord(serviceId: Hex): BlockcloudError {
  return new BlockcloudError(resolveErrors.noRecord, `${serviceId} has published no record.`, {
    remedy: "Its provider must run to publish a record: blockcloud provider run.",
  });
}

/** @param expiredAt When the last known record expired, Unix milliseconds. */
export function staleRecord(serviceId: Hex, expiredAt: number): BlockcloudError {
  return new BlockcloudError(
    resolveErrors.stale,
    `The last record of ${serviceId} expired at ${expiredAt} ms, and no newer one was found.`,
    { retryable: true, remedy: "Check that the provider runs and that this node has peers." },
  );
}

export function expiredDelegation(serviceId: Hex): BlockcloudError {
  return new BlockcloudError(
    resolveErrors.delegation,
    `The delegation of ${serviceId} expired or was revoked.`,
    { remedy: "The root service must delegate again: blockcloud subservice add." },
  );
}

export function droppedByRule(serviceId: Hex, rule: number): BlockcloudError {
  return new BlockcloudError(resolveErrors.dropped, `Rule ${rule} drops ${serviceId}.`, {
    remedy: "This resolver is configured to drop it: ask its operator, or use another resolver.",
  });
}

export function resolverLoop(hops: readonly string[]): BlockcloudError {
  return new BlockcloudError(
    resolveErrors.loop,
    `Forwarded in a circle, or over more than ${MAX_HOPS} resolvers: ${hops.join(", ").slice(0, 200)}.`,
    { remedy: "Check the rules that forward to other resolvers: blockcloud table list." },
  );
}

/** Resolvers that may forward a lookup. */
export const MAX_HOPS = 8;

export function unreachable(what: string, cause?: unknown): BlockcloudError {
  return new BlockcloudError(resolveErrors.unreachable, what, {
    cause,
    retryable: true,
    remedy: "Check the RPC endpoint and the peers of this resolver; try again.",
  });
}

/** @param what The subject of the message: the exhausted resource. */
export function busy(what: string): BlockcloudError {
  return new BlockcloudError(resolveErrors.busy, `Too many ${what}.`, {
    retryable: true,
    remedy: "Try again in a moment.",
  });
}

/** Whether an error describes a lasting state of the service. */
export function isLasting(error: unknown): error is BlockcloudError {
  if (!(error instanceof BlockcloudError)) return false;
  const { unknown, inactive, noRecord: none, stale, delegation } = resolveErrors;
  return [unknown, inactive, none, stale, delegation].includes(error.code as typeof unknown);
}
