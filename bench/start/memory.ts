import { spawnSync } from "node:child_process";
import { castAuditors, castProviders, sender, writeDeployment } from "../../devnet/cast.ts";
import { devKey, startDevnet } from "../../devnet/devnet.ts";
import { castCoral, castResolver, startAuditor } from "../../devnet/processes.ts";
import { keyIndex, type Stage } from "../../devnet/stage.ts";
import type { WorkerProcess } from "../../devnet/worker.ts";
import { createChainClient } from "../../src/chain/client.ts";
import { ChainClock, currentEpoch, untilPhase } from "../../src/chain/clock.ts";
import { silentLogger } from "../../src/node/logger.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { median, rounded } from "../quantiles.ts";
import { castServices } from "./services.ts";

/** Stakes of the auditors, BLOC: each is drawn in every shard, so that each has work. */
const AUDITOR_STAKES = [10_000, 11_000, 12_000];

/** Memory of the workers of one kind, MiB. */
export interface WorkerMemory {
  kind: string;
  /** Median of the samples of each process. */
  processes: readonly number[];
  median: number;
}

export interface MemorySettings {
  /** Epochs that all workers run before the first sample. */
  epochs: number;
  /** Number of samples of each worker, spread over the next epoch. */
  looks: number;
}

/**
 * Runs providers, auditors, nodes of the record network and a resolver on a devnet, and measures their memory; then a
 * process with ten services. Only auditors use the services.
 *
 * @param command The command that each process runs.
 */
export async function measureMemory(
  command: string,
  folder: string,
  settings: MemorySettings,
  say: (message: string) => void,
): Promise<WorkerMemory[]> {
  const closing: (() => Promise<unknown>)[] = [];
  try {
    const devnet = await startDevnet(folder);
    closing.push(() => devnet.stop());
    const { deployment, rpcUrl } = devnet;
    const client = createChainClient([rpcUrl], deployment.chainId);
    const treasury = sender({ devnet, client }, devKey(keyIndex.treasury).key);
    const alone: Stage = { devnet, client, treasury, folder, bootstrap: [], say, command };
    await writeDeployment(alone);
    const clock = new ChainClock(
      { timing: deployment },
      { client, timers: systemTimers, log: silentLogger },
    );
    await clock.start();
    closing.push(() => clock.stop());
    const workers: WorkerProcess[] = [];
    closing.push(() => Promise.all(workers.map((worker) => worker.stop())));
    const stage = { ...alone, bootstrap: await castCoral(alone, workers) };
    const { upstreams } = await castProviders(stage, () => ({ kind: "none" }), workers);
    closing.push(() => Promise.all(upstreams.map((upstream) => upstream.stop())));
    await castResolver(stage, workers);
    const enrolled = await castAuditors(stage, AUDITOR_STAKES);
    const auditors = enrolled.map((auditor, index) => startAuditor(stage, auditor, index));
    workers.push(...auditors);
    await Promise.all(auditors.map((worker) => worker.logged("auditor started")));
    const memory = await look(workers, clock, settings, say);
    const services = await castServices(stage, upstreams[0]?.url ?? "", workers);
    return [...memory, ...(await look([services], clock, settings, say))];
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

async function look(
  workers: readonly WorkerProcess[],
  clock: ChainClock,
  { epochs, looks }: MemorySettings,
  say: (message: string) => void,
): Promise<WorkerMemory[]> {
  const epoch = currentEpoch(clock) + 1 + epochs;
  say(`letting the workers run until epoch ${epoch}, ${clock.timing.epochSeconds} s each`);
  const seen = new Map<WorkerProcess, number[]>(workers.map((worker) => [worker, []]));
  for (let each = 0; each < looks; each++) {
    await untilPhase(clock, epoch, each / looks, new AbortController().signal);
    for (const [worker, figures] of seen) figures.push(residentMiB(worker));
  }
  const kinds = Map.groupBy(workers, ({ name }) => name.split(" ")[0] ?? "");
  return [...kinds].map(([kind, group]) => {
    const processes = group.map((worker) => rounded(median(seen.get(worker) ?? []), 1));
    return { kind, processes, median: median(processes) };
  });
}

/** Resident memory of a worker, MiB, including shared pages of Node's file. */
function residentMiB({ name, pid, lastError }: WorkerProcess): number {
  const ps = spawnSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" });
  const kib = Number(ps.stdout);
  if (!(kib > 0)) throw new Error(`${name} does not run: ${lastError}`);
  return kib / 1024;
}
