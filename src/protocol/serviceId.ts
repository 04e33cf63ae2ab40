import { getAddress, type Address, type Hex } from "viem";
import { BlockcloudError } from "./errors.ts";

/** The parts of a service ID (docs/protocol.md, section 2). */
export interface ServiceIdParts {
  /** Service number that the registry assigned, from 1; 64 bits. */
  prefix: bigint;
  /** For the provider's own use; 0 unless `self` is set; 32 bits. */
  group: number;
  /** Key that signs for the sub-service; the zero address for a root service. */
  self: Address;
}

const ZERO_ADDRESS: Address = "0x0000000000000000000000000000000000000000";
const MAX_PREFIX = (1n << 64n) - 1n;
const MAX_GROUP = 0xffff_ffff;

/**
 * Packs a service ID: `prefix (64) | group (32) | self (160)`.
 *
 * @example serviceId({ prefix: 7n, group: 0, self: zeroAddress })
 * @throws BlockcloudError `SERVICE_ID_INVALID` for parts out of range or a group without a signer.
 */
export function serviceId(parts: ServiceIdParts): Hex {
  const { prefix, group, self } = parts;
  const bad =
    prefix < 1n || prefix > MAX_PREFIX
      ? `prefix ${prefix}`
      : !Number.isInteger(group) || group < 0 || group > MAX_GROUP
        ? `group ${group}`
        : !/^0x[0-9a-f]{40}$/i.test(self)
          ? `self ${self.slice(0, 80)}`
          : group !== 0 && BigInt(self) === 0n
            ? `group ${group} without a signer`
            : undefined;
  if (bad !== undefined) {
    throw new BlockcloudError("SERVICE_ID_INVALID", `Not a service ID: ${bad}.`, {
      remedy: "A prefix runs from 1, a group fits 32 bits and needs a signer, self is an address.",
    });
  }
  const packed = (prefix << 192n) | (BigInt(group) << 160n) | BigInt(self);
  return `0x${packed.toString(16).padStart(64, "0")}`;
}

/**
 * ID of the root service with a number.
 *
 * @example
 * rootServiceId(7n); // "0x0000000000000007" and 48 zeros
 */
export function rootServiceId(number: bigint): Hex {
  return serviceId({ prefix: number, group: 0, self: ZERO_ADDRESS });
}

/**
 * Parses a service ID.
 *
 * @throws BlockcloudError `SERVICE_ID_INVALID` if it is not a well-formed ID of 32 bytes.
 * @example
 * const { prefix } = parseServiceId(rootServiceId(7n)); // 7n
 */
export function parseServiceId(id: string): ServiceIdParts {
  if (!/^0x[0-9a-f]{64}$/i.test(id)) {
    throw new BlockcloudError("SERVICE_ID_INVALID", `Not a service ID: ${id.slice(0, 80)}.`, {
      remedy: "Give 0x and 64 hexadecimal digits.",
    });
  }
  const value = BigInt(id);
  const parts: ServiceIdParts = {
    prefix: value >> 192n,
    group: Number((value >> 160n) & 0xffff_ffffn),
    self: getAddress(`0x${(value & ((1n << 160n) - 1n)).toString(16).padStart(40, "0")}`),
  };
  serviceId(parts);
  return parts;
}
