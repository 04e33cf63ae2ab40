import { hkdfSync } from "node:crypto";
import { hashTypedData, isAddressEqual, type Address, type Hex } from "viem";
import { bytesToHex, hexToBytes } from "../../protocol/bytes.ts";
import { addressOfKey, recoverSigner, signDigest } from "../../protocol/signature.ts";
import { typedData, type Domain } from "../../protocol/typedData.ts";
import { salError } from "../errors.ts";
import type { CompactClientProof } from "./messages.ts";

/** Who a client is for one service, over one link. */
export interface ClientClaim {
  client: Address;
  serviceId: Hex;
  channel: Hex;
  /** Unix milliseconds. */
  issuedAt: bigint;
}

/**
 * The key by which a client is known to one service. Two services cannot find out that they have the same client.
 *
 * @param secret 32 bytes of the client.
 */
export function clientKey(secret: Uint8Array, serviceId: Hex): Uint8Array {
  const info = Buffer.concat([Buffer.from("blockcloud sal client"), hexToBytes(serviceId)]);
  // The chance that 32 bytes are no key of secp256k1 is 2^-128.
  return new Uint8Array(hkdfSync("sha256", secret, new Uint8Array(), info, 32));
}

/** Signs a client's proof for a link. */
export function signClientProof(
  claim: Omit<ClientClaim, "client">,
  domain: Domain,
  key: Uint8Array,
): CompactClientProof {
  const client = addressOfKey(key);
  const signature = bytesToHex(signDigest(digest({ ...claim, client }, domain), key));
  return { client, issuedAt: claim.issuedAt, signature };
}

/**
 * Checks a client's proof.
 *
 * @throws BlockcloudError `CLIENT_PROOF_REQUIRED` if another key signed.
 */
export function checkClientProof(claim: ClientClaim & { signature: Hex }, domain: Domain): Address {
  const signer = recoverSigner(digest(claim, domain), hexToBytes(claim.signature));
  if (signer !== undefined && isAddressEqual(signer, claim.client)) return signer;
  throw salError("identity", `The proof of ${claim.client} was signed by ${signer ?? "no key"}.`);
}

/**
 * Who begins a session with a service that asks for it.
 *
 * @throws BlockcloudError `CLIENT_PROOF_REQUIRED` if the client does not say, or another key signed.
 */
export function clientOf(
  {
    serviceId,
    channel,
    proof,
  }: { serviceId: Hex; channel: Hex; proof: CompactClientProof | undefined },
  domain: Domain,
): Address {
  if (proof !== undefined) return checkClientProof({ serviceId, channel, ...proof }, domain);
  throw salError("identity", `The service ${serviceId} serves only clients that say who they are.`);
}

function digest({ client, serviceId, channel, issuedAt }: ClientClaim, domain: Domain): Uint8Array {
  return hexToBytes(
    hashTypedData({
      domain,
      types: { ClientProof: typedData.ClientProof },
      primaryType: "ClientProof",
      message: { client, serviceId, channel, issuedAt },
    }),
  );
}
