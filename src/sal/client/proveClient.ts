import type { Hex } from "viem";
import type { Domain } from "../../protocol/typedData.ts";
import { salError } from "../errors.ts";
import { clientKey, signClientProof } from "../handshake/clientProof.ts";
import type { CompactClientProof } from "../handshake/messages.ts";

/**
 * Says who the client is, to a service that asks.
 *
 * @param identity 32 secret bytes, from which the key for each service is derived.
 * @throws BlockcloudError `CLIENT_PROOF_REQUIRED` without an identity.
 */
export function proveClient(
  identity: Uint8Array | undefined,
  { serviceId, channel }: { serviceId: Hex; channel: Hex },
  { now, domain }: { now(): number; domain: Domain },
): CompactClientProof {
  if (identity === undefined) {
    throw salError("identity", `${serviceId} serves only clients that say who they are.`);
  }
  const issuedAt = BigInt(Math.floor(now()));
  return signClientProof({ serviceId, channel, issuedAt }, domain, clientKey(identity, serviceId));
}
