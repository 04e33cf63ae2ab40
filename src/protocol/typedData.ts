import {
  domainSeparator as hashDomainSeparator,
  keccak256,
  toBytes,
  type Address,
  type Hex,
} from "viem";
import { hexToBytes, keccak } from "./bytes.ts";

/** The EIP-712 domain of all messages that are signed off chain, except the Cashier's types. */
export interface Domain {
  name: "Blockcloud";
  version: "1";
  chainId: bigint;
  /** Address of the ServiceRegistry. */
  verifyingContract: Address;
}

/** EIP-712 types. Times are milliseconds since the Unix epoch. */
export const typedData = {
  ServiceReceipt: [
    { name: "serviceId", type: "bytes32" },
    { name: "nonce", type: "bytes32" },
    { name: "channel", type: "bytes32" },
    { name: "issuedAt", type: "uint64" },
  ],
  Endpoint: [
    { name: "uri", type: "string" },
    { name: "priority", type: "uint16" },
    { name: "weight", type: "uint16" },
  ],
  EndpointRecord: [
    { name: "serviceId", type: "bytes32" },
    { name: "issuedAt", type: "uint64" },
    { name: "expiresAt", type: "uint64" },
    { name: "endpoints", type: "Endpoint[]" },
    { name: "delegation", type: "bytes" },
  ],
  InstanceLease: [
    { name: "serviceId", type: "bytes32" },
    { name: "instance", type: "bytes8" },
    { name: "issuedAt", type: "uint64" },
    { name: "expiresAt", type: "uint64" },
    { name: "endpoints", type: "Endpoint[]" },
  ],
  Delegation: [
    { name: "serviceId", type: "bytes32" },
    { name: "issuedAt", type: "uint64" },
    { name: "expiresAt", type: "uint64" },
  ],
  Revocation: [
    { name: "serviceId", type: "bytes32" },
    { name: "issuedAt", type: "uint64" },
    { name: "expiresAt", type: "uint64" },
  ],
  NameRecord: [
    { name: "root", type: "bytes32" },
    { name: "label", type: "string" },
    { name: "serviceId", type: "bytes32" },
    { name: "issuedAt", type: "uint64" },
    { name: "expiresAt", type: "uint64" },
  ],
  ClientProof: [
    { name: "client", type: "address" },
    { name: "serviceId", type: "bytes32" },
    { name: "channel", type: "bytes32" },
    { name: "issuedAt", type: "uint64" },
  ],
  Reservation: [
    { name: "serviceId", type: "bytes32" },
    { name: "relay", type: "string" },
    { name: "instance", type: "bytes8" },
    { name: "nonce", type: "bytes32" },
    { name: "channel", type: "bytes32" },
    { name: "issuedAt", type: "uint64" },
  ],
  Handoff: [
    { name: "serviceId", type: "bytes32" },
    { name: "role", type: "string" },
    { name: "channel", type: "bytes32" },
    { name: "issuedAt", type: "uint64" },
  ],
  ChallengeResponse: [
    { name: "challenge", type: "uint256" },
    { name: "nonce", type: "bytes32" },
  ],
} as const;

/**
 * The domain of a deployment.
 *
 * @example
 * const domain = blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry);
 */
export function blockcloudDomain(chainId: bigint, registry: Address): Domain {
  return { name: "Blockcloud", version: "1", chainId, verifyingContract: registry };
}

/** EIP-712 domain separator. */
export function domainSeparator(domain: Domain): Hex {
  return hashDomainSeparator({ domain });
}

/** Type hash of an EIP-712 type without nested types. */
export function typeHash(name: "ServiceReceipt" | "Endpoint" | "ChallengeResponse"): Uint8Array {
  const fields = typedData[name].map((field) => `${field.type} ${field.name}`).join(",");
  return hexToBytes(keccak256(toBytes(`${name}(${fields})`)));
}

/** The digest that is signed: `keccak256(0x1901 | separator | struct hash)`. */
export function typedDataDigest(separator: Uint8Array, structHash: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(66);
  bytes[0] = 0x19;
  bytes[1] = 0x01;
  bytes.set(separator, 2);
  bytes.set(structHash, 34);
  return keccak(bytes);
}
