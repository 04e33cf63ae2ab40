import type { Check } from "../../ignition/check.ts";
import type { Deployment } from "../../src/chain/deployment.ts";

/** The result, for people. */
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
    ...wrong.map(({ what, found }) => `NOT as the parameters say: ${what}: ${found ?? ""}`),
    `${checks.length - wrong.length} of ${checks.length} comparisons with what is on chain hold`,
    wrong.length > 0
      ? "nothing was written"
      : `${written.changed ? "written to" : "unchanged:"} ${written.file}`,
  ];
  return `${lines.join("\n")}\n`;
}
