import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { bytesToHex } from "viem";
import { createAuditor } from "../../src/auditor/createAuditor.ts";
import type { Voter } from "../../src/auditor/inspection/inspector.ts";
import { OpenedRound } from "../../src/auditor/round.ts";
import { AuditorStore, auditorStoreFile } from "../../src/auditor/store.ts";
import { createChainClient } from "../../src/chain/client.ts";
import type { Deployment } from "../../src/chain/deployment.ts";
import { describeRevert } from "../../src/chain/transactions/revert.ts";
import { Seeds } from "../../src/chain/seeds.ts";
import {
  castAuditors,
  castProviders,
  operatorKey,
  sender,
  writeDeployment,
} from "../../devnet/cast.ts";
import { keyIndex, type DemoAuditor, type Stage } from "../../devnet/stage.ts";
import { startAuditor } from "../../devnet/processes.ts";
import { devKey, startDevnet } from "../../devnet/devnet.ts";
import { Monitor } from "../../devnet/monitor.ts";
import type { WorkerProcess } from "../../devnet/worker.ts";
import type { Startable } from "../../src/node/lifecycle.ts";
import { silentLogger } from "../../src/node/logger.ts";
import { createMetrics } from "../../src/node/metrics.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { proofOfServiceAbi } from "../../src/protocol/abi/proofOfService.ts";
import { epochStart } from "../../src/protocol/epoch.ts";
import { ChainDriver } from "../support/chainDriver.ts";
import { sample } from "../support/samples.ts";

/** Long, so that a busy machine has time between two steps of the chain's clock. */
const EPOCH_SECONDS = 480;
/** Enrolled in epoch 0, an auditor counts from the next but one. */
const FIRST = 2;
const SERVICES = 3;

/** Votes as the majority will, without inspecting: its receipts have a valid time but no valid signature. */
const fabricator = (deployment: Deployment): Voter => ({
  vote: ({ number }, epoch) =>
    Promise.resolve({
      number,
      grade: 3,
      evidence: {
        number,
        salt: bytesToHex(randomBytes(32)),
        channel: bytesToHex(randomBytes(32)),
        issuedAt: BigInt(epochStart(deployment, epoch) * 1000),
        signature: bytesToHex(randomBytes(65)),
      },
    }),
});

describe("auditors, end to end, with real processes", () => {
  let stage: Stage;
  let driver: ChainDriver;
  let monitor: Monitor;
  let auditors: DemoAuditor[];
  let honest: WorkerProcess;
  let restarted: WorkerProcess;
  let inventor: Startable;
  let stopped = false;
  const registry = createMetrics("auditor");
  const closing: (() => Promise<unknown>)[] = [];

  const committed = async (who: readonly DemoAuditor[], epoch: number) => {
    await refresh();
    return who.every(({ owner }) => monitor.round(owner, epoch).committed);
  };
  const revealed = async (who: readonly DemoAuditor[], epoch: number) => {
    await refresh();
    return who.every(({ owner }) => monitor.round(owner, epoch).votes > 0);
  };
  const claimed = async (who: readonly DemoAuditor[], epoch: number) => {
    await refresh();
    return who.every(({ owner }) => monitor.round(owner, epoch).claimed);
  };
  const refresh = async () => monitor.refresh(await stage.client.getBlockNumber());
  const seeded = (epoch: number) => async () => {
    await refresh();
    return monitor.hasSeed(epoch);
  };

  before(async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "blockcloud-e2e-"));
    closing.push(() => rm(folder, { recursive: true }));
    const devnet = await startDevnet(folder, {
      automine: true,
      epochSeconds: EPOCH_SECONDS,
      // Grades are not what is tested here: no time that a busy machine takes may change one.
      bounds: { excellentMs: 20_000, goodMs: 30_000, poorMs: 40_000 },
    });
    closing.push(() => devnet.stop());
    const { deployment, rpcUrl } = devnet;
    const client = createChainClient([rpcUrl], deployment.chainId);
    const treasury = sender({ devnet, client }, devKey(keyIndex.treasury).key);
    stage = { devnet, client, treasury, folder, bootstrap: [], say: () => undefined };
    await writeDeployment(stage);
    driver = new ChainDriver(client, deployment);

    const workers: WorkerProcess[] = [];
    closing.push(() => Promise.all(workers.map((worker) => worker.stop())));
    const { upstreams } = await castProviders(stage, () => ({ kind: "none" }), workers);
    closing.push(() => Promise.all(upstreams.map((upstream) => upstream.stop())));
    auditors = await castAuditors(stage, [10_000, 10_000, 10_000]);
    monitor = new Monitor(
      client,
      deployment,
      auditors.map(({ operator }) => operator),
    );

    honest = startAuditor(stage, auditors[0]!, 0);
    restarted = startAuditor(stage, auditors[1]!, 1);
    workers.push(honest, restarted);
    inventor = createAuditor(
      {
        rpcUrls: [rpcUrl],
        deployment,
        auditor: auditors[2]!.owner,
        operatorKey: operatorKey(2),
        stateDir: folder,
        allowLoopback: true,
      },
      {
        timers: systemTimers,
        log: silentLogger,
        metrics: registry,
        createVoter: () => fabricator(deployment),
      },
    );
    await inventor.start();
    closing.push(() => (stopped ? Promise.resolve() : inventor.stop()));
    await Promise.all([honest, restarted].map((worker) => worker.logged("auditor started")));
  });

  after(async () => {
    for (const close of closing.reverse()) await close();
  });

  it("an auditor killed between its commit and its reveal, and restarted, earns all the same", async () => {
    await driver.jump(FIRST, 0);
    await driver.jump(FIRST, 0.3);
    await driver.until("the seed is proven", seeded(FIRST));
    await driver.jump(FIRST, 0.56);
    await driver.until("all have committed", () => committed(auditors, FIRST));

    await restarted.kill();
    await driver.jump(FIRST + 1, 0);
    restarted = startAuditor(stage, auditors[1]!, 1);
    closing.push(() => restarted.stop());
    await restarted.logged("auditor started");
    await driver.jump(FIRST + 1, 0.3);
    await driver.until("the next seed is proven", seeded(FIRST + 1));
    await driver.jump(FIRST + 1, 0.42);
    await driver.until("all have revealed", () => revealed(auditors, FIRST));

    await driver.jump(FIRST + 2, 0);
    await driver.jump(FIRST + 2, 0.3);
    await driver.until("the sample seed is proven", seeded(FIRST + 2));
    await driver.jump(FIRST + 2, 0.42);
    await driver.until("the honest two have claimed", () => claimed(auditors.slice(0, 2), FIRST));

    const [other, back] = auditors.map(({ owner }) => monitor.round(owner, FIRST));
    expect(back!.votes).to.equal(SERVICES);
    expect(back!.paidVotes).to.equal(SERVICES);
    expect(back!.reward > 0n).to.equal(true);
    expect(other!.paidVotes).to.equal(SERVICES);
  });

  it("an auditor that fabricates its votes earns nothing for a sampled chunk", async () => {
    // It agreed with every verdict, and its reveal stood: only the samples stop it.
    const round = monitor.round(auditors[2]!.owner, FIRST);
    expect(round.votes).to.equal(SERVICES);
    for (let number = 1n; number <= BigInt(SERVICES); number++) {
      expect(await monitor.verdict(number, FIRST)).to.equal(3);
    }

    // The honest two have claimed the next round as well by the time it could have tried twice.
    await driver.jump(FIRST + 2, 0.56);
    await driver.until("the honest two commit on", () =>
      committed(auditors.slice(0, 2), FIRST + 2),
    );
    await driver.jump(FIRST + 3, 0);
    await driver.jump(FIRST + 3, 0.3);
    await driver.until("the seed after is proven", seeded(FIRST + 3));
    await driver.jump(FIRST + 3, 0.42);
    await driver.until("the honest two reveal on", () => revealed(auditors.slice(0, 2), FIRST + 2));
    // Nor would a claim stand if it paid for the transaction all the same.
    stopped = true;
    await inventor.stop();
    const store = new AuditorStore(
      auditorStoreFile(stage.folder, auditors[2]!.owner, stage.devnet.deployment),
    );
    const opened = new OpenedRound(auditors[2]!.owner, store.round(FIRST)!);
    store.close();
    const seed = await new Seeds(stage.client, stage.devnet.deployment).recorded(FIRST + 2);
    const claim = stage.client.simulateContract({
      address: stage.devnet.deployment.contracts.proofOfService,
      abi: proofOfServiceAbi,
      functionName: "claim",
      args: [opened.chunks[0]!, FIRST + 2, opened.samples(0, seed!.seed)],
    });
    const error = await claim.then(
      () => undefined,
      (cause: unknown) => describeRevert("claim", cause),
    );
    expect(error?.message).to.contain("PosReceiptSigner");
    expect(monitor.round(auditors[2]!.owner, FIRST).claimed).to.equal(false);
    expect(monitor.round(auditors[2]!.owner, FIRST).reward).to.equal(0n);
  });

  it("an auditor's metrics tell what it did, in doubles and without a key or a URL", async () => {
    const value = (name: string, labels = {}) => sample(registry, `blockcloud_${name}`, labels);
    expect(await value("auditor_rounds_committed_total")).to.be.at.least(1);
    expect(await value("auditor_newest_revealed_epoch")).to.be.at.least(FIRST);
    expect(await value("auditor_rounds_claimed_total"), "its claims never stood").to.equal(0);
    expect(await value("auditor_earned_bloc_total")).to.equal(0);
    const commits = { function: "commit" };
    expect(await value("transactions_mined_total", commits)).to.be.at.least(1);
    expect(await value("transaction_gas_total", commits)).to.be.at.least(21_000);
    expect(await value("transaction_fees_wei_total", commits)).to.be.above(0);
    expect(await value("rpc_request_seconds_count", { method: "eth_call" })).to.be.above(0);
    expect(await value("rpc_endpoint_up", { endpoint: "1" })).to.equal(1);
    expect(await value("current_epoch")).to.be.at.least(FIRST);
    const { text } = await registry.expose();
    expect(text).not.to.contain(operatorKey(2).slice(2));
    expect(text).not.to.contain("http://");
  });

  it("workers stop cleanly on SIGTERM", async () => {
    await honest.stop();
    expect(honest.exitCode).to.equal(0);
  });
});
