import { BlockcloudError } from "../../protocol/errors.ts";
import { explain } from "../framework/output.ts";

/** What one check found. */
export interface Finding {
  /** What was checked: `rpc 1`, `wallet key`. */
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do, when it is not well. */
  readonly remedy?: string;
}

/** A check that went well. */
export function well(name: string, detail: string): Finding {
  return { name, ok: true, detail };
}

/** A check that did not. */
export function ill(name: string, detail: string, remedy: string): Finding {
  return { name, ok: false, detail, remedy };
}

/** Runs a check; what it throws on purpose, or because an endpoint fails, is what it found. */
export async function examine(
  name: string,
  remedy: string,
  check: () => Promise<Finding | readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return [await check()].flat();
  } catch (thrown) {
    const error = explain(thrown);
    if (error instanceof BlockcloudError) {
      const { message, code } = error;
      const own = error.remedy;
      const what =
        own !== undefined && message.endsWith(own) ? message.slice(0, -own.length) : message;
      return [ill(name, `${code}: ${what.trim()}`, own ?? remedy)];
    }
    throw error;
  }
}

/** A table for people. */
export function findingsText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  return findings
    .flatMap(({ name, ok, detail, remedy }) => [
      `${ok ? "ok    " : "FAILED"}  ${name.padEnd(width)}  ${detail}`,
      ...(remedy === undefined ? [] : [`${" ".repeat(width + 10)}${remedy}`]),
    ])
    .join("\n");
}
