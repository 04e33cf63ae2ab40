import { formatEther } from "viem";
import type { ServiceClass, Services } from "../../chain/services.ts";
import { BlockcloudError } from "../../protocol/errors.ts";

/**
 * A class by its name, with its index.
 *
 * @throws BlockcloudError `CLASS_UNKNOWN`.
 */
export async function classNamed(
  services: Services,
  name: string,
): Promise<[number, ServiceClass]> {
  const classes = await services.classes();
  const classId = classes.findIndex((kind) => kind.name === name);
  const kind = classes[classId];
  if (kind !== undefined) return [classId, kind];
  const names = classes.map((one) => one.name).join(", ");
  throw new BlockcloudError("CLASS_UNKNOWN", `There is no class ${name}.`, {
    remedy: `Classes: ${names}.`,
  });
}

/**
 * Refuses a stake below the class's minimum: the service would not be active.
 *
 * @throws BlockcloudError `STAKE_BELOW_MINIMUM`.
 */
export function needMinimumStake(kind: ServiceClass, stake: bigint, isAllowed: boolean): void {
  if (isAllowed || isEnough(kind, stake)) return;
  throw new BlockcloudError(
    "STAKE_BELOW_MINIMUM",
    `A stake of ${formatEther(stake)} BLOC does not make a service of the class ${kind.name} active: the minimum is ${formatEther(kind.minimumStake)} BLOC.`,
    { remedy: "Raise --stake, or give --below-minimum to stake the rest later." },
  );
}

/** Whether a stake makes a service active. */
export function isEnough({ minimumStake }: ServiceClass, stake: bigint): boolean {
  return stake > 0n && stake >= minimumStake;
}
