import { hashTypedData, type Address, type Hex } from "viem";
import { bytesToHex, hexToBytes } from "./bytes.ts";
import { signDigest } from "./signature.ts";

const fields = [
  { name: "from", type: "address" },
  { name: "to", type: "address" },
  { name: "value", type: "uint256" },
  { name: "validAfter", type: "uint256" },
  { name: "validBefore", type: "uint256" },
  { name: "nonce", type: "bytes32" },
] as const;

/** EIP-712 types of transfers by signature (EIP-3009). */
export const transferTypes = {
  /** Anyone may submit it. */
  TransferWithAuthorization: fields,
  /** Only the receiver may submit it. */
  ReceiveWithAuthorization: fields,
} as const;

/** A transfer of a token that its holder signs (EIP-3009). Times are Unix seconds, both bounds exclusive. */
export interface TransferAuthorization {
  from: Address;
  to: Address;
  /** In the token's smallest unit. */
  value: bigint;
  validAfter: bigint;
  validBefore: bigint;
  /** 32 random bytes; each is used once. */
  nonce: Hex;
}

/** The EIP-712 domain of a token. */
export interface TokenDomain {
  name: string;
  version: string;
  chainId: bigint;
  /** Address of the token. */
  verifyingContract: Address;
}

/**
 * Signs a transfer: 65 bytes.
 *
 * @param key The holder's private key.
 * @example
 * const domain = blockcloudDomain(chainId, token);
 * const signature = signTransfer(domain, "ReceiveWithAuthorization", terms, key);
 */
export function signTransfer(
  domain: TokenDomain,
  primaryType: keyof typeof transferTypes,
  message: TransferAuthorization,
  key: Uint8Array,
): Hex {
  const digest = hashTypedData({ domain, types: transferTypes, primaryType, message });
  return bytesToHex(signDigest(hexToBytes(digest), key));
}
