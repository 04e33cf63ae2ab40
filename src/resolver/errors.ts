import type { Hex } from "viem";
import { statusRemedies } from "../chain/services.ts";
import { isReachable } from "../net/addresses.ts";
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

/**
 * The error of a lookup that found neither chain nor network. One that could use no node of the record network, because
 * each that it was told is on this host or in a private network, says so.
 *
 * @param node.bootstrap The nodes to join by, multiaddrs.
 */
export function withoutNodes(
  error: unknown,
  { bootstrap, allowPrivate }: { bootstrap: readonly string[]; allowPrivate: boolean },
): unknown {
  const isLost = error instanceof BlockcloudError && error.code === resolveErrors.unreachable;
  if (!isLost || allowPrivate || bootstrap.length === 0 || !bootstrap.every(isPrivate)) {
    return error;
  }
  return new BlockcloudError(
    resolveErrors.unreachable,
    `No answer: the record network's nodes are on this host or in a private network (${bootstrap.join(", ").slice(0, 200)}).`,
    { cause: error, retryable: true, remedy: "Allow their addresses by --allow-loopback." },
  );
}

/** Whether strangers cannot reach a multiaddr. */
function isPrivate(address: string): boolean {
  const [, host] = /^\/ip[46]\/([^/]+)/.exec(address) ?? [];
  return host !== undefined && !isReachable(host, false);
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
