import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import path from "node:path";
import { rounded } from "./quantiles.ts";
import { atMost, type Outcome } from "./report.ts";
import { measureCommands, type CommandStart } from "./start/commands.ts";
import { compiledCommand } from "./start/compiled.ts";
import { measureMemory, type WorkerMemory } from "./start/memory.ts";

const commandSettings = { rounds: 15, peaks: 3 };
const memorySettings = { epochs: 5, looks: 12 };

const setting = [
  "The command as the package installs it: compiled to a bundle, run by bin/blockcloud; each start is a process of its own.",
  "Commands and bare Node (an empty module) are started in turn, round by round; times are medians, ratios the median of the rounds' ratios.",
  "Workers run on a devnet with 12 s epochs: 3 providers, 3 auditors, 3 Coral nodes, a resolver. Only auditors use the services.",
  "Then ten services in one process (provider run --services-file), which pays for them by one key, on the same devnet.",
  `They run for ${memorySettings.epochs} epochs, then memory is sampled ${memorySettings.looks} times in the next: resident memory, including shared pages of Node's file.`,
];

/** The measurements. */
export interface Results {
  setting: readonly string[];
  /** The machine's load in the minute before: other processes affect the figures, too. */
  load: number;
  commands: readonly CommandStart[];
  workers: readonly WorkerMemory[];
}

/** Start and memory of the command, beside bare Node. */
export async function run(say: (message: string) => void): Promise<Outcome> {
  const load = rounded(loadavg()[0] ?? NaN, 1);
  const folder = await mkdtemp(path.join(tmpdir(), "blockcloud-start-"));
  try {
    say("compiling the command");
    const command = await compiledCommand(path.join(folder, "package"));
    say("starting commands");
    const commands = await measureCommands(command, { folder, ...commandSettings });
    const workers = await measureMemory(command, path.join(folder, "run"), memorySettings, say);
    return outcomeOf({ setting, load, commands, workers });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Tables and targets of the measurements. */
export function outcomeOf(results: Results): Outcome {
  const { commands, workers } = results;
  const busy = `Load of the machine in the minute before: ${results.load}, of ${availableParallelism()} cores.`;
  const help = commands.find(({ line }) => line === "--help");
  const memoryOf = (kind: string) => workers.find((each) => each.kind === kind)?.median ?? NaN;
  return {
    results: { ...results },
    tables: [
      {
        title: "What this is",
        columns: ["note"],
        rows: [...results.setting, busy].map((note) => [note]),
      },
      {
        title: "Commands that do little but start",
        columns: ["command", "ms", "of bare Node", "MiB at most"],
        rows: commands.map(({ line, ms, vsNode, peakMiB }) => [line, ms, vsNode, peakMiB]),
      },
      {
        title: "Workers at rest",
        columns: ["worker", "MiB", "MiB of each process"],
        rows: workers.map(({ kind, median, processes }) => [kind, median, processes.join(" ")]),
      },
    ],
    targets: [
      atMost("helpVsNode", help?.vsNode ?? NaN, "of bare Node", 2),
      atMost("providerRssMiB", memoryOf("provider"), "MiB", 150),
      atMost("auditorRssMiB", memoryOf("auditor"), "MiB", 180),
      atMost("tenServicesRssMiB", memoryOf("services"), "MiB", 200),
    ],
  };
}
