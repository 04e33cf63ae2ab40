import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createChainClient, type ChainClient } from "../src/chain/client.ts";
import { ChainClock, currentEpoch } from "../src/chain/clock.ts";
import { Services, type GradeBounds } from "../src/chain/services.ts";
import { silentLogger } from "../src/node/logger.ts";
import { systemTimers, type Timers } from "../src/node/timers.ts";
import { stakingAbi } from "../src/protocol/abi/staking.ts";
import { BlockcloudError } from "../src/protocol/errors.ts";
import { epochAt, epochStart } from "../src/protocol/epoch.ts";
import {
  AUDITOR_STAKES,
  castAuditors,
  castProviders,
  sender,
  welcomeVisitor,
  writeDeployment,
} from "./cast.ts";
import { keyIndex, type DemoAuditor, type DemoService, type Stage } from "./stage.ts";
import { classIds, devKey, startDevnet, type Devnet, type DevnetOptions } from "./devnet.ts";
import { Findings } from "./findings.ts";
import { Monitor } from "./monitor.ts";
import { moveService, type DemoMove } from "./move.ts";
import { castCoral, castResolver, startAuditor } from "./processes.ts";
import { judge, type DemoResult } from "./result.ts";
import type { Fault, Upstream } from "./upstreams.ts";
import { moveLine, Screen, type Output, type Picture } from "./view.ts";
import type { WorkerProcess } from "./worker.ts";

/** Epochs that claims and settlements may take after the last audited one. */
const PATIENCE_EPOCHS = 6;
/** The service that moves during the run, and the share of the first audited epoch at which it moves. */
const MOVING_SERVICE = 1n;
const MOVE_AT = 0.3;
/** Number of verdicts in the view. */
const VERDICTS_SHOWN = 10;
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
  /** Called with the chain when the requested epochs are complete, while all parts still run. */
  inspect?: (devnet: Devnet) => Promise<void>;
}

/** The running parts, and their stop function. */
interface Running {
  stage: Stage;
  clock: ChainClock;
  monitor: Monitor;
  services: DemoService[];
  auditors: DemoAuditor[];
  findings: Findings;
  workers: WorkerProcess[];
  resolver: { http: string; dns: string };
  move: DemoMove | undefined;
  /** First epoch in which all auditors count and run. */
  first: number;
}

/**
 * Runs the demo: a chain, three services with their providers, and five auditors, each in its own process. Returns
 * when the requested epochs are audited, claimed and settled, or when the signal is aborted.
 */
export async function runDemo(options: DemoOptions, signal: AbortSignal): Promise<DemoResult> {
  const screen = new Screen(options.stream, options.live);
  const closing: (() => Promise<unknown>)[] = [];
  try {
    const running = await setUp(options, screen, closing, signal);
    await watch(running, options.epochs, screen, systemTimers, signal);
    const result = await judge(running, options.epochs);
    await options.inspect?.(running.stage.devnet);
    return result;
  } finally {
    screen.say("stopping");
    for (const close of closing.reverse()) await close();
  }
}

async function setUp(
  options: DemoOptions,
  screen: Screen,
  closing: (() => Promise<unknown>)[],
  signal: AbortSignal,
): Promise<Running> {
  // An interrupted start stops cleanly between two steps.
  const say = (message: string) => {
    if (signal.aborted) throw new BlockcloudError("INTERRUPTED", "Interrupted during the start.");
    screen.say(message);
  };
  const folder = options.folder ?? (await mkdtemp(path.join(tmpdir(), "blockcloud-")));
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
  const provided = await castProviders(stage, faultNow, workers);
  closing.push(() => Promise.all(provided.upstreams.map((upstream: Upstream) => upstream.stop())));
  const resolver = await castResolver(stage, workers);
  await welcomeVisitor(stage);
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
  await Promise.all(started.map((worker) => worker.logged("auditor started")));
  // Read from the chain again: all auditors run for the whole of this epoch.
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
    workers,
    first,
    resolver,
    move: undefined,
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

async function watch(
  running: Running,
  epochs: number | undefined,
  screen: Screen,
  timers: Timers,
  signal: AbortSignal,
): Promise<void> {
  const { stage, clock, monitor, workers, first } = running;
  const last = epochs === undefined ? Number.POSITIVE_INFINITY : first + epochs - 1;
  while (!signal.aborted) {
    await monitor.refresh(clock.head().number);
    const ended = workers.find((worker) => !worker.running);
    if (ended !== undefined) {
      throw new BlockcloudError("WORKER_FAILED", `${ended.name} ended: ${ended.lastError}.`, {
        remedy: `Its log is in ${running.stage.folder}.`,
      });
    }
    if (running.move === undefined && isTimeToMove(clock, first)) {
      running.move = await moveService(stage, MOVING_SERVICE, running.resolver.http, timers);
      screen.say(moveLine(running.move));
    }
    const waitingFor = missing(running, last);
    if (waitingFor === undefined) {
      // Includes the last events.
      screen.show(await paint(running, "nothing more"));
      return;
    }
    if (currentEpoch(clock) > last + PATIENCE_EPOCHS) {
      screen.say(`gave up waiting for ${waitingFor}`);
      return;
    }
    screen.show(await paint(running, waitingFor));
    try {
      await timers.sleep(500, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

/** Moves while the auditors inspect, so that they must follow. */
function isTimeToMove(clock: ChainClock, first: number): boolean {
  const { timing } = clock;
  return clock.now() >= epochStart(timing, first) + MOVE_AT * timing.epochSeconds;
}

/** What the run still waits for; undefined if it is complete. */
function missing(running: Running, last: number): string | undefined {
  const { clock, monitor, services, auditors, first } = running;
  const epoch = currentEpoch(clock);
  if (epoch < first) return `epoch ${first}, from which the auditors' stake counts`;
  if (epoch <= last) {
    const goal = last === Number.POSITIVE_INFINITY ? "Ctrl-C" : `the end of epoch ${last}`;
    return epoch === first ? `the first audits; then ${goal}` : goal;
  }
  const audited = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const claims = audited.flatMap((each) =>
    auditors.filter(({ owner }) => {
      const round = monitor.round(owner, each);
      return !round.claimed && (round.committed || epoch <= each + 1);
    }),
  ).length;
  const settlements = audited.flatMap((each) =>
    services.filter(({ number }) => monitor.settlement(number, each) === undefined),
  ).length;
  if (claims + settlements === 0) return undefined;
  return `${claims} claims and ${settlements} settlements of epochs ${first} to ${last}`;
}

async function paint(running: Running, waitingFor: string): Promise<Picture> {
  const { stage, clock, monitor, services, auditors, first } = running;
  const epoch = currentEpoch(clock);
  const { epochSeconds } = clock.timing;
  const seconds = clock.now() - epochStart(clock.timing, epoch);
  const final = Array.from({ length: VERDICTS_SHOWN }, (_, index) => epoch - 1 - index)
    .map((each) => each - 1)
    .filter((each) => each >= first)
    .reverse();
  const known = Array.from({ length: Math.max(0, epoch - first + 1) }, (_, index) => first + index);
  return {
    rpcUrl: stage.devnet.rpcUrl,
    epoch,
    seconds,
    epochSeconds,
    phase: phaseAt(seconds / epochSeconds),
    waitingFor,
    services: await Promise.all(
      services.map(async ({ number, name, className }) => ({
        number,
        name,
        className,
        verdicts: await Promise.all(final.map((each) => monitor.verdict(number, each))),
        reward: known.reduce(
          (sum, each) => sum + (monitor.settlement(number, each)?.reward ?? 0n),
          0n,
        ),
      })),
    ),
    auditors: auditors.map(({ owner, stake }) => {
      const rounds = known.map((each) => monitor.round(owner, each));
      return {
        address: owner,
        stake,
        rounds: rounds.filter((round) => round.committed).length,
        votes: rounds.reduce((sum, round) => sum + round.votes, 0),
        paidVotes: rounds.reduce((sum, round) => sum + round.paidVotes, 0),
        reward: rounds.reduce((sum, round) => sum + round.reward, 0n),
      };
    }),
    ...(await earnings(running, epoch - 2)),
    gasPerAudit: monitor.gasPerAudit,
    resolver: running.resolver,
    move: running.move,
  };
}

/** The pay for epochs up to a final one. */
async function earnings(
  { monitor, services, auditors, first }: Running,
  last: number,
): Promise<Pick<Picture, "settled" | "claimed">> {
  const epochs = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
  const settled = epochs.flatMap((epoch) =>
    services.flatMap(({ number, name }) => {
      const settlement = monitor.settlement(number, epoch);
      if (settlement === undefined) return [];
      const { reward } = settlement;
      return [
        monitor
          .verdict(number, epoch)
          .then((verdict) => ({ epoch, number, name, verdict, reward })),
      ];
    }),
  );
  const claimed = epochs.flatMap((epoch) =>
    auditors.flatMap(({ owner }) => {
      const { claimed: done, paidVotes, votes, reward } = monitor.round(owner, epoch);
      return done ? [{ epoch, address: owner, paidVotes, votes, reward }] : [];
    }),
  );
  return { settled: await Promise.all(settled), claimed };
}

function phaseAt(share: number): string {
  if (share < 0.15) return "proving the seed";
  if (share < 0.55) return "inspecting; revealing and claiming earlier epochs";
  return share < 0.8 ? "committing" : "waiting for the next epoch";
}
