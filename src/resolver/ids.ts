import type { Hex } from "viem";

/** Service IDs as texts of 0x and 64 lower-case digits, taken apart without parsing them whole. */

/** Digits that hold the service number, with `0x`. */
const ROOT_DIGITS = 18;
const ROOT_END = "0".repeat(48);

/** Whether an ID is a root service's. */
export function isRootId(serviceId: Hex): boolean {
  return serviceId.endsWith(ROOT_END);
}

/** The ID of the root service that an ID is under. */
export function rootIdOf(serviceId: Hex): Hex {
  return `${serviceId.slice(0, ROOT_DIGITS) as Hex}${ROOT_END}`;
}

/** The number of the root service that an ID is under. */
export function numberOfId(serviceId: Hex): bigint {
  return BigInt(serviceId.slice(0, ROOT_DIGITS));
}
