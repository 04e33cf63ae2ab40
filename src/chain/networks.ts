import { readdirSync } from "node:fs";
import path from "node:path";
import { packageRoot } from "../node/packageRoot.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { loadDeployment, type Deployment } from "./deployment.ts";

/** The package's `deployments/`. */
const folder = () => path.join(packageRoot(), "deployments");

/** The file of a network's deployment in this package; there need not be one. */
export function networkFile(name: string): string {
  return path.join(folder(), `${name}.json`);
}

/**
 * The networks that this version of the package has a deployment of.
 *
 * @example
 * console.log(knownNetworks());
 */
export function knownNetworks(): string[] {
  return readdirSync(folder())
    .filter((file) => file.endsWith(".json"))
    .map((file) => path.basename(file, ".json"))
    .sort();
}

/**
 * The deployment on a known network.
 *
 * @throws BlockcloudError `NETWORK_UNKNOWN`, or what `loadDeployment` throws.
 * @example
 * const { epochSeconds } = loadNetwork("sepolia");
 */
export function loadNetwork(name: string): Deployment {
  const known = knownNetworks();
  if (!known.includes(name)) {
    const list = known.length === 0 ? "It knows none" : `It knows ${known.join(", ")}`;
    throw new BlockcloudError(
      "NETWORK_UNKNOWN",
      `This version knows no network ${name.slice(0, 64)}.`,
      { remedy: `${list}; give the deployment itself, or its file.` },
    );
  }
  return loadDeployment(networkFile(name));
}
