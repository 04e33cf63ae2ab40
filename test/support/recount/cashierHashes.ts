/** Typed data, IDs and recovery of docs/protocol.md, sections 2 and 11. */
import {
  encodeAbiParameters,
  hashTypedData,
  keccak256,
  parseAbiParameters,
  recoverAddress,
  size,
  sliceHex,
  toHex,
  zeroAddress,
  type Address,
  type Hex,
} from "viem";

/** What a payer signs, as calldata shows it. */
export interface TabTerms {
  payer: Address;
  service: Hex;
  tab: Hex;
  signer: Address;
  limit: bigint;
  openBy: number;
  expiresAt: number;
}

/** A voucher with its signature and the salt of its tab, as calldata shows it. */
export interface Redemption {
  voucher: {
    payer: Address;
    service: Hex;
    tab: Hex;
    cumulative: bigint;
    base: bigint;
    minGrade: number;
    epoch: number;
  };
  salt: Hex;
  v: number;
  r: Hex;
  s: Hex;
}

/** Where typed data of the Cashier is signed for. */
export interface CashierPlace {
  chainId: number;
  cashier: Address;
}

const types = {
  TabAuthorization: [
    { name: "payer", type: "address" },
    { name: "service", type: "bytes32" },
    { name: "tab", type: "bytes32" },
    { name: "signer", type: "address" },
    { name: "limit", type: "uint96" },
    { name: "openBy", type: "uint40" },
    { name: "expiresAt", type: "uint40" },
  ],
  Voucher: [
    { name: "payer", type: "address" },
    { name: "service", type: "bytes32" },
    { name: "tab", type: "bytes32" },
    { name: "cumulative", type: "uint96" },
    { name: "base", type: "uint96" },
    { name: "minGrade", type: "uint8" },
    { name: "epoch", type: "uint32" },
  ],
} as const;

/** The highest `s` of a signature that recovers a key: half of the order of secp256k1. */
const HIGHEST_S = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n / 2n;

export function tabIdOf(collector: Address, salt: Hex): Hex {
  return keccak256(encodeAbiParameters(parseAbiParameters("address, bytes32"), [collector, salt]));
}

/** The ID of a root service. */
export function rootOf(number: bigint): Hex {
  return toHex(number << 192n, { size: 32 });
}

/** The number of a root service; undefined for any other ID. */
export function numberOf(service: Hex): bigint | undefined {
  const number = BigInt(service) >> 192n;
  return number !== 0n && rootOf(number) === service.toLowerCase() ? number : undefined;
}

/** Who signed a voucher; the zero address for a malformed signature. */
export function voucherSigner(
  place: CashierPlace,
  { voucher, v, r, s }: Redemption,
): Promise<Address> {
  const primaryType = "Voucher";
  return recovered(
    hashTypedData({ domain: domainOf(place), types, primaryType, message: voucher }),
    {
      ...{ v, r, s },
    },
  );
}

/** Which key signed an authorization; the zero address where none did, as with a contract's signature. */
export function tabSigner(
  place: CashierPlace,
  message: TabTerms,
  signature: Hex,
): Promise<Address> {
  if (size(signature) !== 65) return Promise.resolve(zeroAddress);
  const digest = hashTypedData({
    ...{ domain: domainOf(place), types, primaryType: "TabAuthorization", message },
  });
  return recovered(digest, {
    r: sliceHex(signature, 0, 32),
    s: sliceHex(signature, 32, 64),
    v: Number(sliceHex(signature, 64)),
  });
}

function domainOf({ chainId, cashier }: CashierPlace) {
  return { name: "Blockcloud Cashier", version: "1", chainId, verifyingContract: cashier } as const;
}

async function recovered(hash: Hex, { v, r, s }: { v: number; r: Hex; s: Hex }): Promise<Address> {
  if ((v !== 27 && v !== 28) || BigInt(s) > HIGHEST_S) return zeroAddress;
  try {
    return await recoverAddress({ hash, signature: { r, s, v: BigInt(v) } });
  } catch {
    // No point of the curve belongs to these numbers: no key signed.
    return zeroAddress;
  }
}
