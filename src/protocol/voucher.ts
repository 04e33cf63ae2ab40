import {
  domainSeparator,
  encodeAbiParameters,
  keccak256,
  parseAbiParameters,
  toHex,
  type Address,
  type Hex,
} from "viem";
import { bytesToHex, concatBytes, hexToBytes } from "./bytes.ts";
import { recoverSigner, signDigest } from "./signature.ts";
import { typedDataDigest } from "./typedData.ts";

/** The EIP-712 domain of tab authorizations and vouchers. */
export interface CashierDomain {
  name: "Blockcloud Cashier";
  version: "1";
  chainId: bigint;
  /** Address of the Cashier. */
  verifyingContract: Address;
}

/** What a payer signs so that a collector can open a tab, or raise one. Times are Unix seconds. */
export interface TabAuthorization {
  payer: Address;
  /** ID of a root service. */
  service: Hex;
  /** From {@link tabOf}. */
  tab: Hex;
  /** The only key that signs the tab's vouchers. */
  signer: Address;
  /** Highest cumulative amount, BLOC in wei. */
  limit: bigint;
  /** Last second in which it may be submitted; at most {@link OPEN_AHEAD_S} ahead. */
  openBy: number;
  /** Last second of serving; at most {@link LONGEST_TAB_S} ahead. */
  expiresAt: number;
}

/** What the tab's signer signs for the use of a service. */
export interface Voucher {
  payer: Address;
  service: Hex;
  tab: Hex;
  /** Sum of the tab so far, BLOC in wei. */
  cumulative: bigint;
  /** `cumulative` when `epoch` began, BLOC in wei. */
  base: bigint;
  /** The least grade for which the payer pays; 0 for any. */
  minGrade: number;
  /** Epoch of the use. */
  epoch: number;
}

/** A voucher as `Cashier.redeem` takes it. */
export interface Redemption {
  voucher: Voucher;
  /** The salt of the tab's ID. */
  salt: Hex;
  v: number;
  r: Hex;
  s: Hex;
}

/** Longest time from the submission of a tab authorization to its `openBy`, seconds. */
export const OPEN_AHEAD_S = 86_400;
/** Longest time from the submission of a tab authorization to the tab's expiry, seconds. */
export const LONGEST_TAB_S = 2_592_000;
/** Time of redemption after a tab's expiry, seconds. */
export const REDEMPTION_S = 172_800;
/** Time of redemption after the payer announced to close, seconds. */
export const NOTICE_S = 86_400;
/** The most items of `Cashier.redeemBatch`. */
export const LONGEST_BATCH = 100;
/** A graded voucher is due from this number of epochs after its own. */
export const DUE_AFTER = 3;

/** EIP-712 types of the Cashier. */
export const cashierTypedData = {
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

const hashOfType = (name: keyof typeof cashierTypedData) =>
  keccak256(
    toHex(
      `${name}(${cashierTypedData[name].map((field) => `${field.type} ${field.name}`).join(",")})`,
    ),
  );
const TAB_TYPE_HASH = hashOfType("TabAuthorization");
const VOUCHER_TYPE_HASH = hashOfType("Voucher");
const TAB_FIELDS = parseAbiParameters(
  "bytes32, address, bytes32, bytes32, address, uint96, uint40, uint40",
);
const VOUCHER_FIELDS = parseAbiParameters(
  "bytes32, address, bytes32, bytes32, uint96, uint96, uint8, uint32",
);
const TAB_ID_FIELDS = parseAbiParameters("address, bytes32");

/**
 * The Cashier's domain of a deployment.
 *
 * @example
 * const domain = cashierDomain(BigInt(deployment.chainId), deployment.contracts.cashier);
 */
export function cashierDomain(chainId: bigint, cashier: Address): CashierDomain {
  return { name: "Blockcloud Cashier", version: "1", chainId, verifyingContract: cashier };
}

/** EIP-712 domain separator of the Cashier. */
export function cashierSeparator(domain: CashierDomain): Uint8Array {
  return hexToBytes(domainSeparator({ domain }));
}

/**
 * The ID of a collector's tab.
 *
 * @param salt 32 bytes that the collector has not used for the same payer and service.
 */
export function tabOf(collector: Address, salt: Hex): Hex {
  return keccak256(encodeAbiParameters(TAB_ID_FIELDS, [collector, salt]));
}

/** The digest that is signed for a tab. */
export function tabDigest(separator: Uint8Array, terms: TabAuthorization): Uint8Array {
  const { payer, service, tab, signer, limit, openBy, expiresAt } = terms;
  const struct = encodeAbiParameters(TAB_FIELDS, [
    TAB_TYPE_HASH,
    payer,
    service,
    tab,
    signer,
    limit,
    openBy,
    expiresAt,
  ]);
  return typedDataDigest(separator, hexToBytes(keccak256(struct)));
}

/** The digest that is signed for a voucher. */
export function voucherDigest(separator: Uint8Array, voucher: Voucher): Uint8Array {
  const { payer, service, tab, cumulative, base, minGrade, epoch } = voucher;
  const struct = encodeAbiParameters(VOUCHER_FIELDS, [
    VOUCHER_TYPE_HASH,
    payer,
    service,
    tab,
    cumulative,
    base,
    minGrade,
    epoch,
  ]);
  return typedDataDigest(separator, hexToBytes(keccak256(struct)));
}

/** Signs a tab authorization: 65 bytes. */
export function signTab(separator: Uint8Array, terms: TabAuthorization, key: Uint8Array): Hex {
  return bytesToHex(signDigest(tabDigest(separator, terms), key));
}

/** Signs a voucher, for `Cashier.redeem`. */
export function signVoucher(
  separator: Uint8Array,
  voucher: Voucher,
  salt: Hex,
  key: Uint8Array,
): Redemption {
  const signature = signDigest(voucherDigest(separator, voucher), key);
  return {
    voucher,
    salt,
    v: signature[64] ?? 0,
    r: bytesToHex(signature.subarray(0, 32)),
    s: bytesToHex(signature.subarray(32, 64)),
  };
}

/**
 * The key that signed a voucher, by the rules on chain.
 *
 * @returns The address; undefined if the signature is invalid.
 */
export function voucherSigner(
  separator: Uint8Array,
  { voucher, v, r, s }: Redemption,
): Address | undefined {
  const signature = concatBytes(hexToBytes(r), hexToBytes(s), new Uint8Array([v]));
  return recoverSigner(voucherDigest(separator, voucher), signature);
}

/**
 * The amount that a redemption pays, and the amount that it passes over, which goes back to the payer when the tab is
 * closed.
 *
 * @param redeemed The tab's, BLOC in wei; below the voucher's cumulative amount.
 */
export function voucherPay(
  { cumulative, base }: Pick<Voucher, "cumulative" | "base">,
  redeemed: bigint,
): { amount: bigint; passed: bigint } {
  return base > redeemed
    ? { amount: cumulative - base, passed: base - redeemed }
    : { amount: cumulative - redeemed, passed: 0n };
}

/** The fee of what a service earned, as `Cashier.collect` takes it: 2%, rounded up. BLOC in wei. */
export function feeOf(earned: bigint): bigint {
  return (earned * 2n + 99n) / 100n;
}
