import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { median, rounded } from "../quantiles.ts";
import { alternately, medianRatio } from "../rounds.ts";

/** Command lines that do little but start, the one that the bound is for first. */
const LINES = [
  "--help",
  "--version",
  "completion bash",
  "service --help",
  "service register --help",
  "provider run --help",
] as const;
/** What they are compared with: Node, and a module that does nothing. */
const BARE = "bare Node";

/** Adds the most memory that the process has held, KiB, to standard error as its last line. */
const TELL_PEAK = `data:text/javascript,${encodeURIComponent(
  'import { writeSync } from "node:fs"; process.on("exit", () => writeSync(2, `\\n${process.resourceUsage().maxRSS}`));',
)}`;

/** How a command line starts. */
export interface CommandStart {
  line: string;
  /** From its start to its end, milliseconds. */
  ms: number;
  /** The median of the rounds' ratios to bare Node. */
  vsNode: number;
  /** The most memory that it held, MiB. */
  peakMiB: number;
}

/** Starts command lines and bare Node in turn; bare Node comes first in what is returned. */
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
  // The first start of each reads its files from the disk.
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

/** How long a process takes, milliseconds. */
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
