/**
 * Writes `snapshots/*.json`, or checks with `--check` that they are current: the size of each contract's bytecode, its
 * storage layout, and the gas of a whole transaction for each function. A change is visible in a review, and `npm
 * test` fails until the snapshots are updated.
 */
import { globSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { format } from "prettier";
import { measureFunctions } from "../bench/gas/functions.ts";
import { layouts } from "./snapshots/layout.ts";

const root = path.dirname(import.meta.dirname);
const folder = path.join(root, "snapshots");
const check = process.argv.includes("--check");

const snapshots = {
  bytecode: await bytecode(),
  storage: await layouts(root),
  gas: await gas(),
};

await mkdir(folder, { recursive: true });
const stale: string[] = [];
for (const [name, content] of Object.entries(snapshots)) {
  const file = path.join(folder, `${name}.json`);
  const text = await format(JSON.stringify(content), { parser: "json", printWidth: 100 });
  const before = await readFile(file, "utf8").catch(() => "");
  if (before === text) continue;
  if (check) stale.push(`snapshots/${name}.json:\n${difference(before, text)}`);
  else await writeFile(file, text);
}
if (stale.length > 0) {
  process.stderr.write(`${stale.join("\n")}\nIf the change is intended, run: npm run snapshots\n`);
  process.exitCode = 1;
}

/** Code size of each contract, deployed and with its constructor. */
async function bytecode(): Promise<Record<string, { deployed: number; creation: number }>> {
  const sizes: Record<string, { deployed: number; creation: number }> = {};
  for (const file of globSync("artifacts/contracts/**/*.json", { cwd: root }).sort()) {
    const artifact = JSON.parse(await readFile(path.join(root, file), "utf8")) as {
      contractName: string;
      bytecode: string;
      deployedBytecode: string;
    };
    const bytes = (hex: string) => (hex.length - 2) / 2;
    // Interfaces and abstract contracts have no code, and libraries of internal functions almost none.
    if (bytes(artifact.deployedBytecode) < 100) continue;
    sizes[artifact.contractName] = {
      deployed: bytes(artifact.deployedBytecode),
      creation: bytes(artifact.bytecode),
    };
  }
  return sizes;
}

async function gas(): Promise<Record<string, number>> {
  const { rows } = await measureFunctions(() => undefined);
  return Object.fromEntries(
    rows.map(({ contract, name, when, gas }) => [
      `${contract}.${name}${when === "" ? "" : ` (${when})`}`,
      gas,
    ]),
  );
}

/** Lines that are in only one of two texts. */
function difference(before: string, after: string): string {
  const old = new Set(before.split("\n"));
  const now = new Set(after.split("\n"));
  return [
    ...[...old].filter((line) => !now.has(line)).map((line) => `- ${line}`),
    ...[...now].filter((line) => !old.has(line)).map((line) => `+ ${line}`),
  ].join("\n");
}
