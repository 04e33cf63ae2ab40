import { parsePrice } from "../../cashier/price.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { parseEndpoint } from "../../sal/client/dialProven.ts";
import { salError } from "../../sal/errors.ts";
import { salLimits } from "../../sal/provider/limits.ts";
import { parseRelay } from "../../sal/relay/relayName.ts";
import type { ListenOptions } from "./listener.ts";

/** Half of what Node's timers can do: they end at once after more. */
const LARGEST = 2 ** 30;

/** Refuses options that would fail only later. The key is never repeated. */
export function checkOptions(options: ListenOptions): void {
  const { ports, port = 0, key, endpoint, bootstrap, publisher, pay, stateDir, takeOver } = options;
  const invalid = (what: string, remedy: string) => salError("options", what, { remedy });
  try {
    addressOfKey(key);
  } catch {
    throw invalid("key is not a secp256k1 key.", "Give 0x and 64 hexadecimal digits.");
  }
  if (pay !== undefined && stateDir === undefined) {
    throw invalid(
      "pay is given without stateDir.",
      "Give a folder: vouchers must survive a crash.",
    );
  }
  if (takeOver === true && stateDir === undefined) {
    throw invalid("takeOver is given without stateDir.", "Give the folder of the other process.");
  }
  if (typeof pay?.price === "string") parsePrice(pay.price);
  salLimits(options.limits ?? {});
  const wrong = ports.find((each) => !isPort(each, 1));
  if (wrong !== undefined || ports.length === 0) {
    throw invalid(`ports has ${wrong ?? "no port"}.`, "Give whole numbers from 1 to 65535.");
  }
  if (!isPort(port, 0)) throw invalid(`port is ${port}.`, "Give 0 to 65535.");
  if (endpoint !== undefined) parseEndpoint(endpoint);
  const relay = options.relays?.find((each) => parseRelay(each) === undefined);
  if (relay !== undefined) throw invalid(`relays has ${relay}.`, "Give host:port.");
  if (publisher === undefined && (bootstrap ?? []).length === 0) {
    throw invalid(
      "Neither bootstrap nor publisher is given.",
      "Give nodes of the record network: else no client finds the service.",
    );
  }
  for (const name of ["backlog", "drainMs", "timeMs"] as const) {
    const value = options[name];
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0 && value <= LARGEST))
      continue;
    throw invalid(`${name} is ${value}.`, `Give a whole number from 0 to ${LARGEST}.`);
  }
}

function isPort(port: number, least: number): boolean {
  return Number.isInteger(port) && port >= least && port <= 65_535;
}
