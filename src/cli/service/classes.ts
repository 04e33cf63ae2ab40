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
