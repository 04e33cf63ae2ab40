import type { Hex } from "viem";

/** Functions on service IDs as strings of 0x and 64 lower-case digits, which avoid parsing the whole ID. */

/** Length of `0x` and the digits of the service number. */
const ROOT_DIGITS = 18;
const ROOT_END = "0".repeat(48);

/** Whether an ID is that of a root service. */
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
