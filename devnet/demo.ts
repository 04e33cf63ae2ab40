import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createChainClient, type ChainClient } from "../src/chain/client.ts";
import { ChainClock, currentEpoch } from "../src/chain/clock.ts";
import { Services, type GradeBounds } from "../src/chain/services.ts";
import { silentLogger } from "../src/node/logger.ts";
import { systemTimers } from "../src/node/timers.ts";
import { stakingAbi } from "../src/protocol/abi/staking.ts";
import { BlockcloudError } from "../src/protocol/errors.ts";
import { epochAt } from "../src/protocol/epoch.ts";
import {
  AUDITOR_STAKES,
  castAuditors,
  castProviders,
  sender,
  welcomeVisitor,
  writeDeployment,
} from "./cast.ts";
import { keyIndex, MOVING_SERVICE, type Stage } from "./stage.ts";
import { classIds, devKey, startDevnet, type Devnet, type DevnetOptions } from "./devnet.ts";
import { writeEnvironment } from "./environment.ts";
import { Findings } from "./findings.ts";
import { Monitor } from "./monitor.ts";
import { AUDITOR_RUNS, castConsole, castCoral, castResolver, startAuditor } from "./processes.ts";
import { judge, type DemoResult } from "./result.ts";
import type { Fault, Upstream } from "./upstreams.ts";
import { Visitors } from "./visitors.ts";
import { PayingUser } from "./paying.ts";
import { castRelays } from "./relays.ts";
import { payingLine, Screen, type Output } from "./view.ts";
import { watch } from "./watch.ts";
import type { Running } from "./running.ts";
import type { WorkerProcess } from "./worker.ts";

/** Delay of the faulty service above the bound of a grade, milliseconds; it never responds sooner. */
const TOO_SLOW_MS = 100;

export interface DemoOptions {
  /** Audited epochs after the warm-up; without it the demo runs until the signal. */
  epochs?: number;
  devnet?: DevnetOptions;
  /** Folder of the run; by default a new one in the system's folder for temporary files. */
  folder?: string;
  /** The output of progress and view. */
  stream: Output;
  live: boolean;
  /** Starts the index and the console, too. */
  console?: boolean;
  /** Keeps the folder of a run that went well; one that did not is kept always. */
  keep?: boolean;
  /** Called with the chain when the requested epochs are complete, while all parts still run. */
  inspect?: (devnet: Devnet) => Promise<void>;
}

/**
 * Runs the demo: a chain, three services with their providers, and five auditors, each in its own process. Returns
 * when the requested epochs are audited, claimed and settled, or when the signal is aborted: the normal end of a demo,
 * of which only what had ended before is judged.
 */
export async function runDemo(options: DemoOptions, signal: AbortSignal): Promise<DemoResult> {
  const screen = new Screen(options.stream, options.live);
  const closing: (() => Promise<unknown>)[] = [];
  const isOwn = options.folder === undefined;
  const folder = options.folder ?? (await mkdtemp(path.join(tmpdir(), "blockcloud-")));
  let isWell = false;
  const heard = () => {
    screen.say("stopping after this step");
  };
  signal.addEventListener("abort", heard, { once: true });
  try {
    const running = await setUp({ ...options, folder }, screen, closing, signal);
    await watch(running, options.epochs, screen, systemTimers, signal);
    if (!signal.aborted) {
      screen.say("the user ends, and the provider redeems what is left");
      running.paying = await running.user.finish();
      screen.say(payingLine(running.paying));
    }
    const result = await judge(running, options.epochs, signal.aborted);
    isWell = result.ok;
    await options.inspect?.(running.stage.devnet);
    return result;
  } catch (error) {
    isWell = signal.aborted;
    throw error;
  } finally {
    signal.removeEventListener("abort", heard);
    screen.say("stopping: each process ends in turn, which takes some seconds");
    for (const close of closing.reverse()) await close();
    // The folder has keys in it; its logs are for what went wrong.
    if (isOwn && isWell && options.keep !== true)
      await rm(folder, { recursive: true, force: true });
    else screen.say(`logs and state stay in ${folder}`);
  }
}

async function setUp(
  options: DemoOptions & { folder: string },
  screen: Screen,
  closing: (() => Promise<unknown>)[],
  signal: AbortSignal,
): Promise<Running> {
  // An interrupted start stops cleanly between two steps.
  const say = (message: string) => {
    if (signal.aborted) throw new BlockcloudError("INTERRUPTED", "Interrupted during the start.");
    screen.say(message);
  };
  const { folder } = options;
  say(`logs and state in ${folder}`);
  say("starting the chain and deploying the contracts");
  const devnet = await startDevnet(folder, options.devnet);
  closing.push(() => devnet.stop());
  const { deployment, rpcUrl } = devnet;
  say(`JSON-RPC at ${rpcUrl}`);
  const client = createChainClient([rpcUrl], deployment.chainId);
  const treasury = sender({ devnet, client }, devKey(keyIndex.treasury).key);
  const alone: Stage = { devnet, client, treasury, folder, bootstrap: [], say };
  await writeDeployment(alone);
  const clock = await startClock(client, deployment);
  closing.push(() => clock.stop());

  let first = Number.POSITIVE_INFINITY;
  const faults = faultsOf(await new Services(client, deployment).classAt(classIds.http));
  const faultNow = (): Fault => {
    const age = currentEpoch(clock) - first;
    return (age < 0 ? undefined : faults[age % faults.length]) ?? { kind: "none" };
  };
  const workers: WorkerProcess[] = [];
  closing.push(() => Promise.all(workers.map((worker) => worker.stop())));
  const stage = { ...alone, bootstrap: await castCoral(alone, workers) };
  const relays = await castRelays(stage, workers);
  const provided = await castProviders(stage, faultNow, workers, relays);
  closing.push(() => Promise.all(provided.upstreams.map((upstream: Upstream) => upstream.stop())));
  const resolver = await castResolver(stage, workers);
  const page =
    options.console === true ? await castConsole(stage, resolver.http, workers) : undefined;
  if (page !== undefined) say(`the console is at ${page.url}`);
  say("a user deposits, and pays for service 1");
  const user = await PayingUser.start(stage, MOVING_SERVICE, resolver.http, {
    time: clock,
    timers: systemTimers,
  });
  closing.push(() => user.stop());
  await welcomeVisitor(stage);
  const environment = await writeEnvironment(stage, resolver.http);
  say(`for a second terminal: . ${environment}`);
  const auditors = await castAuditors(stage, AUDITOR_STAKES);
  // Read from the chain: near an epoch's end the clock may lag behind the block that enrolled an auditor.
  const counted = await Promise.all(
    auditors.map(({ owner }) =>
      client.readContract({
        address: deployment.contracts.staking,
        abi: stakingAbi,
        functionName: "auditorStake",
        args: [owner],
      }),
    ),
  );
  say("starting the auditors");
  const findings = new Findings();
  const started = auditors.map((auditor, index) => {
    const worker = startAuditor(stage, auditor, index);
    findings.follow(auditor.owner, worker);
    return worker;
  });
  workers.push(...started);
  await Promise.all(started.map((worker) => worker.logged(AUDITOR_RUNS)));
  // Read from the chain again: the first audited epoch begins when all auditors run.
  const { timestamp } = await client.getBlock();
  const now = Math.max(epochAt(deployment, Number(timestamp)), currentEpoch(clock));
  first = Math.max(...counted.map(([, since]) => since), now + 1);

  const monitor = new Monitor(
    client,
    deployment,
    auditors.map((auditor) => auditor.operator),
  );
  return {
    stage,
    clock,
    monitor,
    services: provided.services,
    auditors,
    findings,
    visitors: new Visitors(client, deployment),
    faultNow,
    workers,
    first,
    resolver,
    environment,
    console: page?.url,
    helpers: page?.helpers ?? [],
    move: undefined,
    download: undefined,
    user,
    paying: undefined,
    file: provided.file,
    replace: provided.successors[Number(MOVING_SERVICE) - 1] ?? notCast,
    relays,
    relayedFile: provided.relayedFile,
    relayLoss: undefined,
  };
}

/** The faults of the faulty service by epoch, from the first audited one on. */
function faultsOf({ excellentMs, goodMs }: GradeBounds): Fault[] {
  return [
    { kind: "down" },
    { kind: "slow", milliseconds: excellentMs + TOO_SLOW_MS },
    { kind: "none" },
    { kind: "slow", milliseconds: goodMs + TOO_SLOW_MS },
  ];
}

async function startClock(
  client: ChainClient,
  timing: { genesis: number; epochSeconds: number },
): Promise<ChainClock> {
  const dependencies = { client, timers: systemTimers, log: silentLogger };
  const clock = new ChainClock({ timing }, dependencies);
  await clock.start();
  return clock;
}

function notCast(): never {
  throw new BlockcloudError("DEMO_FAILED", "The service that moves has no provider.");
}
