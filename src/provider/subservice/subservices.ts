import type { Address, Hex } from "viem";
import { ZERO_HASH } from "../../protocol/bytes.ts";
import { MAX_GRANT_MS, revocations, signDelegation } from "../../protocol/delegation.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { isLabel } from "../../protocol/label.ts";
import { nameKey, nameRecords } from "../../protocol/nameRecord.ts";
import { rootServiceId, serviceId } from "../../protocol/serviceId.ts";
import type { Domain } from "../../protocol/typedData.ts";
import type { Grant, Grants, Notice } from "./grants.ts";

/** The key that signs for a root service, and the store of its grants. */
export interface Granter {
  number: bigint;
  /** The service's key. */
  key: Uint8Array;
  domain: Domain;
  grants: Grants;
  /** The chain's time, Unix milliseconds. */
  now: () => number;
}

/** The parameters of a grant. */
export interface GrantRequest {
  /** Address of the key that signs for the sub-service. */
  self: Address;
  /** For the provider's own use; 32 bits. */
  group: number;
  /** Its name under the root's label. */
  label: string | undefined;
  /** Duration, milliseconds; at most 366 days. */
  forMs: number;
}

/**
 * Delegates to a sub-service, and names it. Granting again renews; the grant is on disk when the call
 * returns, and the provider's agent publishes the name.
 *
 * @throws BlockcloudError `SERVICE_ID_INVALID`, `SUBSERVICE_SELF`, `SUBSERVICE_LABEL`, `SUBSERVICE_TIME`.
 */
export function grantSubService(granter: Granter, request: GrantRequest): Grant {
  const { number, key, domain, grants } = granter;
  const { self, group, label, forMs } = request;
  if (BigInt(self) === 0n) {
    throw new BlockcloudError("SUBSERVICE_SELF", "The zero address cannot sign.", {
      remedy: "Give the address of the device's key: blockcloud key address.",
    });
  }
  const id = serviceId({ prefix: number, group, self });
  if (label !== undefined && !isLabel(label)) {
    throw new BlockcloudError("SUBSERVICE_LABEL", `Not a label: ${label.slice(0, 80)}.`, {
      remedy: "Give 1 to 63 of a-z, 0-9 and hyphens, none first or last, and not id.",
    });
  }
  if (!Number.isInteger(forMs) || forMs < 1 || forMs > MAX_GRANT_MS) {
    throw new BlockcloudError(
      "SUBSERVICE_TIME",
      `Not a valid duration of a delegation: ${forMs} ms.`,
      {
        remedy: "Give up to 366 days.",
      },
    );
  }
  const named = label === undefined ? undefined : grants.find(label);
  if (named !== undefined && named.serviceId !== id && named.revokedAt === undefined) {
    throw new BlockcloudError("SUBSERVICE_LABEL", `${label} is ${named.serviceId}.`, {
      remedy: "Choose another label, or revoke that one first.",
    });
  }
  const before = grants.find(id);
  // Higher than the revocation, and than the version of an existing name record.
  const least = Math.max(named?.revokedAt ?? 0, before?.revokedAt ?? 0, before?.issuedAt ?? 0) + 1;
  const issuedAt = Math.max(Math.floor(granter.now()), least);
  const expiresAt = issuedAt + forMs;
  const times = { issuedAt: BigInt(issuedAt), expiresAt: BigInt(expiresAt) };
  const delegation = signDelegation({ serviceId: id, ...times }, domain, key);
  const grant = { serviceId: id, label, delegation, issuedAt, expiresAt, revokedAt: undefined };
  const old = before?.label;
  grants.save(grant, [
    ...(old === undefined || old === label ? [] : [nameNotice(granter, old, ZERO_HASH, issuedAt)]),
    ...(label === undefined ? [] : [nameNotice(granter, label, id, issuedAt, expiresAt)]),
  ]);
  return grant;
}

/**
 * Revokes all delegations to a sub-service, and withdraws its name. The revocation is on disk when the call
 * returns; the provider's agent publishes it, and keeps it published as long as any such delegation could be
 * valid.
 *
 * @param name Service ID or label.
 * @throws BlockcloudError `SUBSERVICE_UNKNOWN`.
 */
export function revokeSubService(granter: Granter, name: string): Grant {
  const { key, domain, grants } = granter;
  const grant = grants.find(name);
  if (grant === undefined) {
    throw new BlockcloudError(
      "SUBSERVICE_UNKNOWN",
      `There is no delegation to ${name.slice(0, 80)} in this state folder.`,
      {
        remedy: "See: blockcloud subservice list. Use the state folder from which it was added.",
      },
    );
  }
  if (grant.revokedAt !== undefined) return grant;
  const revokedAt = Math.max(Math.floor(granter.now()), grant.issuedAt + 1);
  // An earlier grant may be valid for longer than the last one; no earlier delegation outlives this time.
  const expiresAt = revokedAt + MAX_GRANT_MS;
  const revocation = {
    serviceId: grant.serviceId,
    issuedAt: BigInt(revokedAt),
    expiresAt: BigInt(expiresAt),
  };
  const revoked = { ...grant, revokedAt };
  grants.save(revoked, [
    {
      key: grant.serviceId,
      kind: "revocation",
      encoded: revocations.sign(revocation, domain, key),
      expiresAt,
    },
    ...(grant.label === undefined ? [] : [nameNotice(granter, grant.label, ZERO_HASH, revokedAt)]),
  ]);
  return revoked;
}

/** A name record that gives a name to `id`, or withdraws the name. */
function nameNotice(
  { number, key, domain }: Granter,
  label: string,
  id: Hex,
  issuedAt: number,
  expiresAt: number = issuedAt + MAX_GRANT_MS,
): Notice {
  const root = rootServiceId(number);
  const record = {
    root,
    label,
    serviceId: id,
    issuedAt: BigInt(issuedAt),
    expiresAt: BigInt(expiresAt),
  };
  return {
    key: nameKey(root, label),
    kind: "name",
    encoded: nameRecords.sign(record, domain, key),
    expiresAt,
  };
}
