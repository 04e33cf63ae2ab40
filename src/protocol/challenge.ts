import { encodeAbiParameters, keccak256, size, type Address, type Hex } from "viem";
import { bytesToHex, concatBytes, hexToBytes, keccak, word } from "./bytes.ts";
import { recoverSigner, signDigest } from "./signature.ts";
import { domainSeparator, typedDataDigest, typeHash, type Domain } from "./typedData.ts";

const RESPONSE_TYPE_HASH = typeHash("ChallengeResponse");
/** Number of epochs after the opening whose seeds can decide the question (`ChallengeBook.SEED_EPOCHS`). */
export const SEED_EPOCHS = 3;
/** Parts of a slash for the challenger and for the resolver, percent (`Staking`). */
export const CHALLENGER_PERCENT = 30n;
export const RESOLVER_PERCENT = 20n;
/** Part of the bond that an answer burns, percent (`ChallengeBook`). */
export const BOND_BURN_PERCENT = 20n;
/** The parts of a proof: a challenge's ID and a signature. */
const PROOF_BYTES = 97;

/**
 * The question of a challenge (docs/protocol.md, section 3.9).
 *
 * @param seed First seed recorded in an epoch after the one in which the challenge was opened.
 * @param challenge Number of the challenge.
 */
export function challengeQuestion(seed: Hex, challenge: bigint): Hex {
  return keccak256(
    encodeAbiParameters([{ type: "bytes32" }, { type: "uint256" }], [seed, challenge]),
  );
}

/** The EIP-712 digest of an answer to a challenge. */
export function challengeDigest(domain: Domain, challenge: bigint, question: Hex): Uint8Array {
  const structHash = keccak(concatBytes(RESPONSE_TYPE_HASH, word(challenge), hexToBytes(question)));
  return typedDataDigest(hexToBytes(domainSeparator(domain)), structHash);
}

/** The proof of liveness: the challenge's number (32 bytes) and the service key's signature (65). */
export function livenessProof(
  domain: Domain,
  challenge: bigint,
  question: Hex,
  key: Uint8Array,
): Hex {
  const signature = signDigest(challengeDigest(domain, challenge, question), key);
  return bytesToHex(concatBytes(word(challenge), signature));
}

/** The signer of a proof of liveness, by the rules of `LivenessVerifier`; undefined if the proof is invalid. */
export function livenessSigner(domain: Domain, question: Hex, proof: Hex): Address | undefined {
  if (size(proof) !== PROOF_BYTES) return undefined;
  const bytes = hexToBytes(proof);
  const challenge = BigInt(bytesToHex(bytes.subarray(0, 32)));
  return recoverSigner(challengeDigest(domain, challenge, question), bytes.subarray(32));
}
