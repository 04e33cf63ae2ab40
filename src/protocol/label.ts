import { encodeAbiParameters, keccak256, type Address, type Hex } from "viem";

/** The reserved label under which raw service IDs have their names. */
const RESERVED = "id";

/**
 * Whether a service may take a label: one label of a host name in lower case (RFC 1123), of 1 to 63
 * characters, without hyphens at the third and fourth place (RFC 5890), and not `id`.
 */
export function isLabel(label: string): boolean {
  return (
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label) &&
    !label.startsWith("--", 2) &&
    label !== RESERVED
  );
}

/**
 * The commitment to a label, made before the label is shown.
 *
 * @param owner The account that will take the label.
 * @param salt Random, so that observers cannot guess the label.
 */
export function labelCommitment(label: string, owner: Address, salt: Hex): Hex {
  return keccak256(
    encodeAbiParameters(
      [{ type: "string" }, { type: "address" }, { type: "bytes32" }],
      [label, owner, salt],
    ),
  );
}
