import { hashTypedData, type Address, type Hex } from "viem";
import { bytesToHex, hexToBytes } from "./bytes.ts";
import { recoverSigner, signDigest } from "./signature.ts";
import { typedData, type Domain } from "./typedData.ts";

/** What one of two processes of a service says when the other one takes its place. */
export interface HandoffClaim {
  serviceId: Hex;
  /** The process that serves, or the one that takes its place: neither can say what the other one said. */
  role: "old" | "new";
  /** Names the connection between the two; 32 bytes. */
  channel: Hex;
  /** Unix milliseconds, by the host's clock: both run on one host. */
  issuedAt: bigint;
}

/** Signs a claim with the service's key; 65 bytes. */
export function signHandoff(claim: HandoffClaim, domain: Domain, key: Uint8Array): Hex {
  return bytesToHex(signDigest(digest(claim, domain), key));
}

/** The signer of a claim; undefined if the signature is invalid. */
export function recoverHandoff(
  claim: HandoffClaim,
  signature: Hex,
  domain: Domain,
): Address | undefined {
  return recoverSigner(digest(claim, domain), hexToBytes(signature));
}

function digest(claim: HandoffClaim, domain: Domain): Uint8Array {
  return hexToBytes(
    hashTypedData({
      domain,
      types: { Handoff: typedData.Handoff },
      primaryType: "Handoff",
      message: { ...claim },
    }),
  );
}
