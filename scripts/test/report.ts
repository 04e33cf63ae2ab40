import type { Ending } from "./process.ts";
import type { Step } from "./steps.ts";

/** Test counts of a step, or of all steps. */
export interface Counts {
  passed: number;
  failed: number;
}

/** The result of a step's programs. */
export interface Verdict extends Counts {
  /** The output of a failed step. */
  output: string;
}

/** Sums the results of a step's programs. */
export function judge(step: Step, endings: readonly Ending[]): Verdict {
  const verdicts = endings.map(({ code, output }): Verdict => {
    const counts =
      step.counted === true ? count(output) : { passed: code === 0 ? 1 : 0, failed: 0 };
    // A program that fails without a failed test, for example at its start, counts as one failure.
    if (code !== 0 && counts.failed === 0) counts.failed = 1;
    const isEmpty = code === 0 && counts.passed === 0;
    if (isEmpty) counts.failed += 1;
    if (counts.failed === 0) return { ...counts, output: "" };
    return { ...counts, output: `${output}\n${isEmpty ? `${step.name} ran no test\n` : ""}` };
  });
  return {
    passed: verdicts.reduce((sum, each) => sum + each.passed, 0),
    failed: verdicts.reduce((sum, each) => sum + each.failed, 0),
    output: verdicts.map(({ output }) => output).join(""),
  };
}

/** Matches `12 passing` and `1 failing` of mocha and Hardhat's Solidity runner. */
function count(output: string): Counts {
  const find = (word: string) =>
    [...output.matchAll(new RegExp(`^\\s*(\\d+) ${word}\\b`, "gm"))].reduce(
      (sum, match) => sum + Number(match[1]),
      0,
    );
  return { passed: find("passing"), failed: find("failing") };
}
