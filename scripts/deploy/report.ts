import type { Check } from "../../ignition/check.ts";
import type { Deployment } from "../../src/chain/deployment.ts";

/** Formats the result as text. */
export function report(
  deployment: Deployment,
  checks: readonly Check[],
  written: { file: string; changed: boolean },
): string {
  const wrong = checks.filter(({ ok }) => !ok);
  const width = Math.max(...Object.keys(deployment.contracts).map((name) => name.length));
  const lines = [
    `${deployment.network}, chain ${deployment.chainId}, from block ${deployment.block}:`,
    ...Object.entries(deployment.contracts).map(
      ([name, address]) => `  ${name.padEnd(width)}  ${address}`,
    ),
    ...wrong.map(({ what, found }) => `NOT as in the parameters: ${what}: ${found ?? ""}`),
    `${checks.length - wrong.length} of ${checks.length} comparisons with the contracts on chain succeed`,
    wrong.length > 0
      ? "nothing was written"
      : `${written.changed ? "written to" : "unchanged:"} ${written.file}`,
  ];
  return `${lines.join("\n")}\n`;
}
