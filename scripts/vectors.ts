/**
 * Writes `test/vectors/*.json` from `src/protocol`, or checks with `--check` that they are current. The Solidity tests
 * read them, which ensures that both languages implement the same formulas.
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { vectorFiles, VECTOR_SEED } from "./vectors/topics.ts";

const folder = path.join(path.dirname(import.meta.dirname), "test/vectors");
const check = process.argv.includes("--check");

process.stdout.write(`Vector seed: ${VECTOR_SEED}\n`);
await mkdir(folder, { recursive: true });
const files = vectorFiles();
const stale = (await readdir(folder)).filter((name) => !files.has(name));
for (const [name, text] of files) {
  const file = path.join(folder, name);
  if (!check) await writeFile(file, text);
  else if ((await readFile(file, "utf8").catch(() => "")) !== text) stale.push(name);
}
if (stale.length > 0) {
  process.stderr.write(
    `Not current, or without a topic: ${stale.join(", ")}. Run: node scripts/vectors.ts\n`,
  );
  process.exitCode = 1;
}
