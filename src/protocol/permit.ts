import { encodeAbiParameters, keccak256, parseAbiParameters, toHex, type Address } from "viem";
import { bytesToHex, hexToBytes } from "./bytes.ts";
import { signDigest } from "./signature.ts";
import { domainSeparator, typedDataDigest, type Domain } from "./typedData.ts";

/** The content of an ERC-2612 permit. */
export interface PermitTerms {
  owner: Address;
  /** The account that may take BLOC. */
  spender: Address;
  /** BLOC in wei. */
  value: bigint;
  /** The owner's next permit, as `BlocToken.nonces` counts them. */
  nonce: bigint;
  /** Last second in which it can be used, Unix seconds. */
  deadline: bigint;
}

/** A signed permit in the contracts' format. */
export interface Permit {
  value: bigint;
  deadline: bigint;
  v: number;
  r: `0x${string}`;
  s: `0x${string}`;
}

/** The EIP-712 type of a permit, for wallets. */
export const permitTypes = {
  Permit: [
    { name: "owner", type: "address" },
    { name: "spender", type: "address" },
    { name: "value", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
} as const;

const TYPE_HASH = keccak256(
  toHex("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
);
const FIELDS = parseAbiParameters("bytes32, address, address, uint256, uint256, uint256");

/**
 * Signs an ERC-2612 permit.
 *
 * @param domain That of `BlocToken`: `blockcloudDomain` with the token's address.
 * @param key The owner's private key.
 */
export function signPermit(domain: Domain, terms: PermitTerms, key: Uint8Array): Permit {
  const { owner, spender, value, nonce, deadline } = terms;
  const struct = encodeAbiParameters(FIELDS, [TYPE_HASH, owner, spender, value, nonce, deadline]);
  const digest = typedDataDigest(
    hexToBytes(domainSeparator(domain)),
    hexToBytes(keccak256(struct)),
  );
  return permitOf(terms, signDigest(digest, key));
}

/** A permit with its signature of 65 bytes, as the contracts take it. */
export function permitOf({ value, deadline }: PermitTerms, signature: Uint8Array): Permit {
  return {
    value,
    deadline,
    v: signature[64] ?? 0,
    r: bytesToHex(signature.subarray(0, 32)),
    s: bytesToHex(signature.subarray(32, 64)),
  };
}
