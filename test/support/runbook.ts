import { expect } from "chai";
import { readFileSync } from "node:fs";
import path from "node:path";

const root = path.join(import.meta.dirname, "../..");

/** The text of docs/operations.md. */
export const runbook = readFileSync(path.join(root, "docs/operations.md"), "utf8");

/** The commands of a section of docs/operations.md, block by block. */
export function commands(heading: string): string[] {
  const [, after = ""] = runbook.split(`\n${heading}\n`);
  const [section = ""] = after.split(/^#{2,3} /m);
  const blocks = [...section.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block = ""]) => block);
  expect(blocks, heading).not.to.have.length(0);
  return blocks;
}
