import { isAddressEqual, type Hex } from "viem";
import { signHandoff, recoverHandoff, type HandoffClaim } from "../../protocol/handoff.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import type { Domain } from "../../protocol/typedData.ts";
import { handoffError } from "./errors.ts";

/** How old a proof may be, or how far ahead, milliseconds: both processes read the same clock. */
const FRESH_MS = 60_000;

/** A service with the keys that a process has of it. */
export interface KeyedService {
  readonly serviceId: Hex;
  readonly keys: readonly Uint8Array[];
}

export interface Proof {
  serviceId: Hex;
  signature: Hex;
}

/** Proofs by each key of each service: the other process may know only the older one. */
export function prove(
  services: readonly KeyedService[],
  claim: Omit<HandoffClaim, "serviceId">,
  domain: Domain,
): Proof[] {
  return services.flatMap(({ serviceId, keys }) =>
    keys.map((key) => ({
      serviceId,
      signature: signHandoff({ ...claim, serviceId }, domain, key),
    })),
  );
}

/**
 * Checks that the other process has a key of each of these services.
 *
 * @param now The host's clock, Unix milliseconds.
 * @throws BlockcloudError `HANDOFF_REFUSED`.
 */
export function check(
  services: readonly KeyedService[],
  proofs: readonly Proof[],
  claim: Omit<HandoffClaim, "serviceId">,
  { domain, now }: { domain: Domain; now: number },
): void {
  if (Math.abs(now - Number(claim.issuedAt)) > FRESH_MS) {
    throw handoffError("HANDOFF_REFUSED", "The other process's proof is not of this time.");
  }
  for (const { serviceId, keys } of services) {
    const addresses = keys.map((key) => addressOfKey(key));
    const isProven = proofs
      .filter((proof) => proof.serviceId === serviceId)
      .some(({ signature }) => {
        const signer = recoverHandoff({ ...claim, serviceId }, signature, domain);
        return signer !== undefined && addresses.some((each) => isAddressEqual(each, signer));
      });
    if (isProven) continue;
    throw handoffError(
      "HANDOFF_REFUSED",
      `The other process has not proved to have a key of service ${serviceId}.`,
    );
  }
}
