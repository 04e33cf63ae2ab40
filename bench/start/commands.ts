import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { median, rounded } from "../quantiles.ts";
import { alternately, medianRatio } from "../rounds.ts";

/** Command lines that do little except start; the first one has a bound. */
const LINES = [
  "--help",
  "--version",
  "completion bash",
  "service --help",
  "service register --help",
  "provider run --help",
] as const;
/** The comparison: Node with an empty module. */
const BARE = "bare Node";

/** Writes the process's peak memory, KiB, as the last line of standard error. */
const TELL_PEAK = `data:text/javascript,${encodeURIComponent(
  'import { writeSync } from "node:fs"; process.on("exit", () => writeSync(2, `\\n${process.resourceUsage().maxRSS}`));',
)}`;

/** The start of a command line. */
export interface CommandStart {
  line: string;
  /** From its start to its end, milliseconds. */
  ms: number;
  /** The median of the rounds' ratios to bare Node. */
  vsNode: number;
  /** Peak memory, MiB. */
  peakMiB: number;
}

/** Starts command lines and bare Node in turn; bare Node is first in the result. */
export async function measureCommands(
  command: string,
  settings: { folder: string; rounds: number; peaks: number },
): Promise<CommandStart[]> {
  const nothing = path.join(settings.folder, "nothing.mjs");
  await writeFile(nothing, "export {};\n");
  const lines = new Map<string, readonly string[]>([
    [BARE, [nothing]],
    ...LINES.map((line): [string, readonly string[]] => [line, [command, ...line.split(" ")]]),
  ]);
  const measures = Object.fromEntries(
    [...lines].map(([line, args]) => [line, () => Promise.resolve(timed(args))]),
  );
  // The first start of each is not counted, because it reads files from the disk.
  for (const args of lines.values()) timed(args);
  const figures = await alternately(settings.rounds, measures);
  const bare = figures[BARE] ?? [];
  return [...lines].map(([line, args]) => {
    const ms = figures[line] ?? [];
    const peaks = Array.from({ length: settings.peaks }, () => peakMiB(args));
    return {
      line,
      ms: rounded(median(ms), 1),
      vsNode: medianRatio(ms, bare),
      peakMiB: rounded(median(peaks), 1),
    };
  });
}

/** The duration of a process, milliseconds. */
function timed(args: readonly string[]): number {
  const from = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, {
    env: {},
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
  });
  const ms = performance.now() - from;
  if (status !== 0)
    throw new Error(`${args.join(" ")} ended with ${status ?? "a signal"}: ${stderr}`);
  return ms;
}

function peakMiB(args: readonly string[]): number {
  const { stderr } = spawnSync(process.execPath, ["--import", TELL_PEAK, ...args], {
    env: {},
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
  });
  const peak = Number(stderr.split("\n").at(-1));
  if (!(peak > 0)) throw new Error(`${args.join(" ")} did not say how much memory it held.`);
  return peak / 1024;
}
