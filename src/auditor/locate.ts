import type { Announcements } from "../chain/announcements.ts";
import type { AuditedService } from "../chain/services.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { Endpoint } from "../protocol/record.ts";
import { rootServiceId } from "../protocol/serviceId.ts";
import { resolveErrors, type Resolver } from "../resolver/answer.ts";

/** What a look-up fails with when nobody can say anything of the service: that is not its fault. */
const silent: readonly string[] = [resolveErrors.unreachable, resolveErrors.busy];

/**
 * Finds where a service listens, in the order of preference.
 *
 * @returns Nothing when the service publishes nothing that holds.
 * @throws BlockcloudError, retryable, when nobody can be asked.
 */
export type Locate = (
  service: Pick<AuditedService, "number" | "key">,
  signal: AbortSignal,
) => Promise<readonly Endpoint[]>;

/**
 * Locates as any user does, by a resolver. A service that has just left (maintenance, retirement, a
 * suspension) is audited to the end of the epoch, though resolvers send nobody there any more: it is looked
 * for where it was announced on chain.
 */
export function locateBy(
  resolver: Pick<Resolver, "resolve">,
  announcements: Pick<Announcements, "refresh" | "record">,
): Locate {
  return async ({ number, key }, signal) => {
    try {
      return (await resolver.resolve(rootServiceId(number), { signal })).endpoints;
    } catch (error) {
      if (!(error instanceof BlockcloudError) || silent.includes(error.code)) throw error;
      if (error.code !== resolveErrors.inactive) return [];
    }
    return locateAnnounced(announcements)({ number, key }, signal);
  };
}

/** Locates by what was announced on chain alone. */
export function locateAnnounced(announcements: Pick<Announcements, "refresh" | "record">): Locate {
  return async ({ number, key }) => {
    await announcements.refresh();
    const endpoints = announcements.record(number, key)?.endpoints ?? [];
    return endpoints.toSorted((a, b) => a.priority - b.priority);
  };
}
