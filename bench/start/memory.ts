import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { castAuditors, castProviders, sender, writeDeployment } from "../../devnet/cast.ts";
import { devKey, startDevnet } from "../../devnet/devnet.ts";
import { castCoral, castResolver, startAuditor } from "../../devnet/processes.ts";
import { keyIndex, type Stage } from "../../devnet/stage.ts";
import type { WorkerProcess } from "../../devnet/worker.ts";
import { createChainClient } from "../../src/chain/client.ts";
import { ChainClock, currentEpoch } from "../../src/chain/clock.ts";
import { silentLogger } from "../../src/node/logger.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { median, rounded } from "../quantiles.ts";

/** Stakes of the auditors, BLOC: each is drawn in every shard, so that none of them is without work. */
const STAKES = [10_000, 11_000, 12_000];
/** Epochs that all workers have run through when their memory is looked at. */
const EPOCHS = 3;
/** Looks at a worker, a second apart. */
const LOOKS = 10;

/** Memory of one kind of worker, MiB: of each of its processes, the median of the looks. */
export interface WorkerMemory {
  kind: string;
  processes: readonly number[];
  median: number;
}

export async function measureMemory(
  command: string,
  say: (message: string) => void,
): Promise<WorkerMemory[]> {
  const folder = await mkdtemp(path.join(tmpdir(), "bench-start-"));
  const closing: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true })];
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
    const enrolled = await castAuditors(stage, STAKES);
    const auditors = enrolled.map((auditor, index) => startAuditor(stage, auditor, index));
    workers.push(...auditors);
    await Promise.all(auditors.map((worker) => worker.logged("auditor started")));
    const until = currentEpoch(clock) + 1 + EPOCHS;
    say(`waiting for epoch ${until}`);
    while (currentEpoch(clock) < until) await systemTimers.sleep(500, AbortSignal.timeout(600_000));
    const looks = new Map<WorkerProcess, number[]>(workers.map((worker) => [worker, []]));
    for (let look = 0; look < LOOKS; look++) {
      for (const [worker, figures] of looks) figures.push(residentMiB(worker.pid ?? 0));
      await systemTimers.sleep(1_000, AbortSignal.timeout(10_000));
    }
    const kinds = Map.groupBy(workers, ({ name }) => name.split(" ")[0] ?? "");
    return [...kinds].map(([kind, group]) => {
      const processes = group.map((worker) => rounded(median(looks.get(worker) ?? []), 1));
      return { kind, processes, median: median(processes) };
    });
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

/** Resident memory of a process, MiB. */
export function residentMiB(pid: number): number {
  const { stdout } = spawnSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" });
  return Number(stdout) / 1024;
}
