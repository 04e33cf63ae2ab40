import { rawName } from "../../protocol/name.ts";
import type { Grant } from "../../provider/subservice/grants.ts";

/** A grant as JSON. Times are Unix milliseconds. */
export function grantJson(grant: Grant) {
  const { serviceId, label = null, delegation, issuedAt, expiresAt, revokedAt = null } = grant;
  return { serviceId, name: rawName(serviceId), label, delegation, issuedAt, expiresAt, revokedAt };
}

/** The state of a grant. */
export function grantState(grant: Grant, now: number): "granted" | "expired" | "revoked" {
  if (grant.revokedAt !== undefined) return "revoked";
  return grant.expiresAt <= now ? "expired" : "granted";
}

/** Formats a time in UTC. */
export function moment(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ");
}
