import { rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { rootServiceId } from "../src/protocol/serviceId.ts";
import { deploymentFile, MOVING_SERVICE, type Stage } from "./stage.ts";

/**
 * Writes the file `env` of the run's folder, which a shell reads: where this run's chain, resolver and record network
 * are, for the commands of README.md.
 *
 * @returns The file.
 */
export async function writeEnvironment(
  stage: Pick<Stage, "folder" | "bootstrap"> & { devnet: Pick<Stage["devnet"], "rpcUrl"> },
  resolver: string,
): Promise<string> {
  const { folder, bootstrap, devnet } = stage;
  const values = {
    RUN: folder,
    BLOCKCLOUD_DEPLOYMENT: deploymentFile(stage),
    BLOCKCLOUD_RPC: devnet.rpcUrl,
    RESOLVER: resolver,
    BLOCKCLOUD_CORAL_BOOTSTRAP: bootstrap.join(","),
    ID: rootServiceId(MOVING_SERVICE),
  };
  const file = path.join(folder, "env");
  const lines = Object.entries(values).map(([name, value]) => `export ${name}=${quoted(value)}\n`);
  // Whoever waits for the file finds all of it.
  await writeFile(`${file}.new`, lines.join(""));
  await rename(`${file}.new`, file);
  return file;
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}
