import { isAddressEqual, zeroAddress, type Address, type Hex } from "viem";
import { epochAt, HORIZON } from "../../../src/protocol/epoch.ts";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { isLabel } from "../../../src/protocol/label.ts";
import { parseServiceId, rootServiceId } from "../../../src/protocol/serviceId.ts";
import type { Reader } from "../acts/act.ts";
import { contractsOf } from "../chain/contracts.ts";
import type { VerifiedDeployment } from "../verify/deployment.ts";

/** A service as it is called. */
export interface Target {
  id: Hex;
  /** Number of its root. */
  number: bigint;
  isRoot: boolean;
  /** Keys that may sign its receipts now. */
  keys: readonly Address[];
}

/**
 * Finds a service by its number, its ID or its label, and its keys on chain.
 *
 * @throws BlockcloudError `SERVICE_UNKNOWN`, `SERVICE_ID_INVALID`, `SERVICE_KEYLESS`.
 */
export async function findTarget(
  text: string,
  client: Reader,
  deployment: VerifiedDeployment,
): Promise<Target> {
  const { registry, labels } = contractsOf(deployment);
  const given = text.trim().toLowerCase();
  const label = given.replace(/\.bloc\.alt$/, "");
  let id: Hex;
  if (/^[1-9]\d{0,18}$/.test(given)) id = rootServiceId(BigInt(given));
  else if (given.startsWith("0x")) id = given as Hex;
  else if (isLabel(label)) {
    const args = [label] as const;
    const number = await client.readContract({ ...labels, functionName: "numberOf", args });
    if (number === 0n) throw unknown(`No service has the label ${label}.`);
    id = rootServiceId(number);
  } else throw unknown(`"${text.slice(0, 60)}" names no service.`);
  const { prefix: number, self } = parseServiceId(id);
  const [count, { timestamp }] = await Promise.all([
    client.readContract({ ...registry, functionName: "serviceCount" }),
    client.getBlock(),
  ]);
  if (number > count) throw unknown(`There is no service ${number}.`);
  if (!isAddressEqual(self, zeroAddress)) return { id, number, isRoot: false, keys: [self] };
  const epoch = epochAt(deployment, Number(timestamp));
  const found = await Promise.all(
    // A key that was just set signs at once for clients, and later for audits.
    [epoch, epoch + HORIZON].map((each) =>
      client.readContract({ ...registry, functionName: "keyAt", args: [number, each] }),
    ),
  );
  const keys = [...new Set(found)].filter((key) => !isAddressEqual(key, zeroAddress));
  if (keys.length > 0) return { id, number, isRoot: true, keys };
  throw new BlockcloudError("SERVICE_KEYLESS", `Service ${number} has no key.`, {
    remedy: "Its owner must set one: nothing can be proven about its responses.",
  });
}

function unknown(message: string): BlockcloudError {
  return new BlockcloudError("SERVICE_UNKNOWN", message, {
    remedy: "Give a number, an ID of 0x and 64 digits, or a label.",
  });
}
