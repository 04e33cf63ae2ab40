import { BlockcloudError, withoutRemedy } from "../../protocol/errors.ts";
import { explain } from "../framework/explain.ts";

/** The result of a check. */
export interface CheckResult {
  /** The subject of the check: `rpc 1`, `wallet key`. */
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** The remedy, if the check failed. */
  readonly remedy?: string;
}

/** A check that passed. */
export function well(name: string, detail: string): CheckResult {
  return { name, ok: true, detail };
}

/** A check that failed. */
export function ill(name: string, detail: string, remedy: string): CheckResult {
  return { name, ok: false, detail, remedy };
}

/** Runs a check. A `BlockcloudError` and a failing endpoint become failed checks. */
export async function examine(
  name: string,
  remedy: string,
  check: () => Promise<CheckResult | readonly CheckResult[]>,
): Promise<readonly CheckResult[]> {
  try {
    return [await check()].flat();
  } catch (thrown) {
    const error = explain(thrown);
    if (error instanceof BlockcloudError) {
      return [ill(name, `${error.code}: ${withoutRemedy(error)}`, error.remedy ?? remedy)];
    }
    throw error;
  }
}

/** Formats the checks as a table for a terminal. */
export function findingsText(findings: readonly CheckResult[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  return findings
    .flatMap(({ name, ok, detail, remedy }) => [
      `${ok ? "ok    " : "FAILED"}  ${name.padEnd(width)}  ${detail}`,
      ...(remedy === undefined ? [] : [`${" ".repeat(width + 10)}${remedy}`]),
    ])
    .join("\n");
}
