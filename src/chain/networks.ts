import { readdirSync } from "node:fs";
import path from "node:path";
import { packageRoot } from "../node/packageRoot.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { loadDeployment, type Deployment } from "./deployment.ts";

/** Chains whose ether is worth nothing: Sepolia, Base Sepolia, development. */
export const TEST_CHAINS: readonly number[] = [11_155_111, 84_532, 31_337];

/** The package's `deployments/`. */
const folder = () => path.join(packageRoot(), "deployments");

/** The path of a network's deployment in this package; the file may not exist. */
export function networkFile(name: string): string {
  return path.join(folder(), `${name}.json`);
}

/**
 * The networks whose deployments this version of the package contains.
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
 * @throws BlockcloudError `NETWORK_UNKNOWN`, or an error of `loadDeployment`.
 * @example
 * const { epochSeconds } = loadNetwork("sepolia");
 */
export function loadNetwork(name: string): Deployment {
  const known = knownNetworks();
  if (!known.includes(name)) {
    const list = known.length === 0 ? "There are none" : `Known networks: ${known.join(", ")}`;
    throw new BlockcloudError(
      "NETWORK_UNKNOWN",
      `This version has no deployment on the network ${name.slice(0, 64)}.`,
      { remedy: `${list}. Otherwise give the deployment or its file.` },
    );
  }
  return loadDeployment(networkFile(name));
}

/** The contracts: the name of a network in the package, or a deployment, loaded or as a file. */
export type NetworkChoice =
  | { network: string; deployment?: undefined }
  | { network?: undefined; deployment: Deployment | string };

/**
 * The chosen deployment; undefined unless exactly one of the two is given.
 *
 * @throws BlockcloudError `NETWORK_UNKNOWN`, `DEPLOYMENT_INVALID`, `DEPLOYMENT_OTHER_VERSION`.
 */
export function chosenDeployment({ network, deployment }: NetworkChoice): Deployment | undefined {
  if ((network === undefined) === (deployment === undefined)) return undefined;
  if (network !== undefined) return loadNetwork(network);
  return typeof deployment === "string" ? loadDeployment(deployment) : deployment;
}
