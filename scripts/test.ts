/**
 * `npm test`: all checks, in two lanes: computing steps, and mocha's processes, which mostly wait. Prints a line when
 * a step ends, and the output of a step only if it failed. The last line is `N passed, N failed`, in which a step
 * without tests counts as one.
 *
 * `npm test -- solidity mocha` runs only the named steps; the step `deep` runs only if it is named.
 * `npm test -- near [--base REV]` runs the tests and checks that concern the files changed since a revision.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { runInLanes, type Task } from "./test/lanes.ts";
import { nearSteps } from "./test/near.ts";
import { forwardSignals, run, type Ending } from "./test/process.ts";
import { judge } from "./test/report.ts";
import { steps, type Step } from "./test/steps.ts";

const cores = availableParallelism();
/** Number of concurrent programs of a lane. */
const widths = { compute: Math.max(1, cores >> 1), mocha: 2 * cores };

forwardSignals();
const began = performance.now();
const total = { passed: 0, failed: 0 };
await runInLanes(tasks(chosen()), widths);
process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed === 0 ? 0 : 1;

/** The steps that the arguments name. */
function chosen(): readonly Step[] {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { base: { type: "string" } },
  });
  if (positionals.length === 1 && positionals[0] === "near") return nearSteps(values.base);
  const unknown = positionals.filter((name) => !steps.some((step) => step.name === name));
  if (values.base !== undefined) unknown.push("--base");
  if (unknown.length > 0) {
    const names = steps.map((step) => step.name).join(" ");
    process.stderr.write(
      `Not understood: ${unknown.join(" ")}. Steps: ${names}; or near [--base REV]\n`,
    );
    process.exit(2);
  }
  return steps.filter(({ name, onDemand }) =>
    positionals.length === 0 ? onDemand !== true : positionals.includes(name),
  );
}

/** One task for each program; the last program of a step prints the step's result. */
function tasks(chosen: readonly Step[]): Task[] {
  const made = new Map<string, Task[]>();
  for (const step of chosen) {
    const endings: Ending[] = [];
    let started = Number.POSITIVE_INFINITY;
    const after = (step.after ?? []).flatMap((name) => made.get(name) ?? []);
    const ofStep = step.programs.map((program) => ({
      lane: step.lane,
      after,
      run: async () => {
        started = Math.min(started, performance.now());
        endings.push(await run(program));
        if (endings.length === step.programs.length) conclude(step, endings, started);
      },
    }));
    made.set(step.name, ofStep);
  }
  return [...made.values()].flat();
}

function conclude(step: Step, endings: readonly Ending[], started: number): void {
  const { passed, failed, output } = judge(step, endings);
  total.passed += passed;
  total.failed += failed;
  const seconds = (since: number) => ((performance.now() - since) / 1000).toFixed(0);
  const verdict = failed === 0 ? "ok" : "FAILED";
  process.stdout.write(
    `${verdict} ${step.name} (${passed} passed, ${seconds(started)} s; ${seconds(began)} s in all)\n`,
  );
  if (failed > 0) process.stdout.write(`${output}\n`);
}
