import { readFileSync } from "node:fs";

/** Flag of a route that leads over a gateway (route(8)). */
const IS_GATEWAY = 0x2;
const ROUTES = "/proc/net/route";

/** The IPv4 gateway of the default route; undefined without one, and on systems that do not tell in this way. */
export function defaultGateway(
  read: () => string = () => readFileSync(ROUTES, "utf8"),
): string | undefined {
  let table: string;
  try {
    table = read();
  } catch {
    // Only Linux has the table: there is no gateway to ask then.
    return undefined;
  }
  const routes = table
    .split("\n")
    .slice(1)
    .map((line) => line.split("\t"))
    .filter(([, to, , flags, , , , mask]) => {
      const isDefault = to === "00000000" && mask === "00000000";
      return isDefault && (parseInt(flags ?? "0", 16) & IS_GATEWAY) !== 0;
    })
    .sort((a, b) => Number(a[6]) - Number(b[6]));
  const hex = routes[0]?.[2];
  if (hex === undefined || !/^[0-9A-F]{8}$/i.test(hex)) return undefined;
  // The kernel writes its own order of bytes: that of all hosts that Node runs on is little-endian.
  return [...Buffer.from(hex, "hex")].reverse().join(".");
}
