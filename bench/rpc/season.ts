import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { erc20Abi, parseEther } from "viem";
import { castAuditors, operatorKey, sender } from "../../devnet/cast.ts";
import { devKey, startDevnet } from "../../devnet/devnet.ts";
import { keyIndex, type Stage } from "../../devnet/stage.ts";
import { startUpstream } from "../../devnet/upstreams.ts";
import { createAuditor } from "../../src/auditor/createAuditor.ts";
import type { ChainPace } from "../../src/chain/access.ts";
import { createChainClient } from "../../src/chain/client.ts";
import { registerService } from "../../src/chain/register.ts";
import { Services } from "../../src/chain/services.ts";
import type { CoralOptions } from "../../src/coral/options.ts";
import { createKeeper } from "../../src/keeper/createKeeper.ts";
import type { Startable } from "../../src/node/lifecycle.ts";
import { silentLogger } from "../../src/node/logger.ts";
import { systemTimers, type Timers } from "../../src/node/timers.ts";
import { createProvider } from "../../src/provider/createProvider.ts";
import { createResolver } from "../../src/resolver/createResolver.ts";
import { CountingProxy } from "./countingProxy.ts";

/** Block time as on Ethereum and Sepolia. */
const BLOCK_SECONDS = 12;
const EPOCH_SECONDS = 3_600;
/** Speed compared with real time. */
const SPEED = 24;
/** Number of uncounted blocks at the start, in which workers learn the rate of blocks. */
const SETTLING_BLOCKS = 30;

const timers: Timers = {
  monotonic: () => systemTimers.monotonic() * SPEED,
  sleep: (milliseconds, signal) => systemTimers.sleep(milliseconds / SPEED, signal),
};

/** The requests of one worker in an epoch. */
export interface WorkerRequests {
  worker: string;
  /** JSON-RPC calls by method. */
  calls: Record<string, number>;
  httpRequests: number;
  /** Blocks that it read, per block of the chain. */
  blocksRead: number;
  callsPerMinute: number;
  callsPerDay: number;
}

/** Runs one worker of each kind for an epoch of twelve-second blocks, and counts its requests. */
export async function measureWorkers(
  pace: ChainPace,
  say: (message: string) => void,
): Promise<WorkerRequests[]> {
  const folder = mkdtempSync(path.join(tmpdir(), "bench-rpc-"));
  const devnet = await startDevnet(folder, {
    automine: true,
    epochSeconds: EPOCH_SECONDS,
    challengeWindow: EPOCH_SECONDS,
  });
  const client = createChainClient([devnet.rpcUrl], devnet.deployment.chainId);
  const request = client.request as (call: object) => Promise<unknown>;
  const treasury = sender({ devnet, client }, devKey(keyIndex.treasury).key);
  const stage: Stage = { devnet, client, treasury, folder, bootstrap: [], say };
  const upstream = await startUpstream((_, response) => response.end("fine"));
  const proxies: Record<string, CountingProxy> = {};
  const workers: Startable[] = [];
  try {
    await castAuditors(stage, [10_000]);
    await registerOne(stage);
    const mine = async () => {
      const { timestamp } = await client.getBlock();
      const next = Number(timestamp) + BLOCK_SECONDS;
      await request({ method: "evm_setNextBlockTimestamp", params: [next] });
      await request({ method: "evm_mine", params: [] });
    };
    const blocks = async (count: number) => {
      for (let block = 0; block < count; block++) {
        const due = systemTimers.monotonic() + (BLOCK_SECONDS * 1000) / SPEED;
        await mine();
        await delay(Math.max(0, due - systemTimers.monotonic()));
      }
    };
    await request({ method: "evm_setAutomine", params: [false] });
    // The auditor counts two epochs later.
    await request({ method: "evm_increaseTime", params: [2 * EPOCH_SECONDS] });
    await mine();
    for (const name of ["provider", "auditor", "keeper", "resolver"]) {
      const proxy = (proxies[name] = new CountingProxy(devnet.rpcUrl));
      await proxy.start();
    }
    say("starting the workers");
    const started = createWorkers(stage, { upstream: upstream.url, proxies, pace });
    // At their start they announce and commit, which needs blocks.
    const starting = Promise.all(
      started.map(async (worker) => {
        workers.push(worker);
        await worker.start();
      }),
    );
    await blocks(SETTLING_BLOCKS);
    await starting;
    for (const proxy of Object.values(proxies)) proxy.reset();
    const count = EPOCH_SECONDS / BLOCK_SECONDS;
    say(`an epoch of ${count} blocks, ${SPEED} times as fast as real time`);
    await blocks(count);
    return Object.entries(proxies).map(([worker, proxy]) => figures(worker, proxy, count));
  } finally {
    for (const worker of workers.reverse()) await worker.stop();
    for (const proxy of Object.values(proxies)) await proxy.stop();
    await upstream.stop();
    await devnet.stop();
    rmSync(folder, { recursive: true });
  }
}

function figures(worker: string, proxy: CountingProxy, blocks: number): WorkerRequests {
  const calls = Object.fromEntries([...proxy.calls].sort(([, a], [, b]) => b - a));
  const sum = Object.values(calls).reduce((total, each) => total + each, 0);
  return {
    worker,
    calls,
    httpRequests: proxy.requests,
    blocksRead: (calls.eth_getBlockByNumber ?? 0) / blocks,
    callsPerMinute: (sum * 60) / EPOCH_SECONDS,
    callsPerDay: (sum * 86_400) / EPOCH_SECONDS,
  };
}

/** A service with a probe that any server passes. */
async function registerOne({ devnet, client, treasury }: Stage): Promise<void> {
  const owner = devKey(keyIndex.owner);
  await treasury.send({
    address: devnet.deployment.contracts.token,
    abi: erc20Abi,
    functionName: "transfer",
    args: [owner.address, parseEther("5000")],
  });
  const services = new Services(client, devnet.deployment);
  await registerService(sender({ devnet, client }, owner.key), devnet.deployment, services, {
    classId: 0,
    key: devKey(keyIndex.service).address,
    probe: { v: 1, requests: [{ path: "/" }] },
    metadata: "",
    stake: parseEther("1000"),
  });
}

function createWorkers(
  stage: Stage,
  options: { upstream: string; proxies: Record<string, CountingProxy>; pace: ChainPace },
): Startable[] {
  const { deployment } = stage.devnet;
  const { upstream, proxies, pace } = options;
  const environment = { timers, log: silentLogger };
  const shared = (name: string) => ({
    rpcUrls: [proxies[name]?.url ?? ""],
    deployment,
    pace,
    stateDir: path.join(stage.folder, name),
  });
  const coral = (name: string): CoralOptions => ({
    chainId: deployment.chainId,
    registry: deployment.contracts.registry,
    files: { folder: path.join(stage.folder, name), name },
    listen: [],
    bootstrap: [],
    subscribe: false,
    allowPrivate: true,
  });
  return [
    createProvider(
      {
        ...shared("provider"),
        number: 1n,
        serviceKey: devKey(keyIndex.service).key,
        previousKeys: [],
        walletKey: devKey(keyIndex.owner).key,
        upstream: new URL(upstream),
        listen: { host: "127.0.0.1", port: 0 },
        endpoint: undefined,
        coral: coral("provider"),
        settleEvery: 24,
      },
      environment,
    ),
    createAuditor(
      {
        ...shared("auditor"),
        auditor: devKey(keyIndex.auditor).address,
        operatorKey: operatorKey(0),
        coral: coral("auditor"),
        allowLoopback: true,
      },
      environment,
    ),
    createKeeper(
      {
        ...shared("keeper"),
        key: devKey(keyIndex.visitor).key,
        blocPriceWei: 10n ** 18n,
        unpaidWeiPerDay: 10n ** 18n,
        settleAfterEpochs: 48,
        collectFor: [],
      },
      environment,
    ),
    createResolver({ ...shared("resolver"), coral: coral("resolver") }, environment),
  ];
}
