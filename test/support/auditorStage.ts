import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { erc20Abi, parseEther, type Address, type Hex } from "viem";
import { createAuditor, type AuditorEnvironment } from "../../src/auditor/createAuditor.ts";
import { enrolAuditor } from "../../src/auditor/enrol.ts";
import type { Voter } from "../../src/auditor/inspection/inspector.ts";
import { auditorStoreFile } from "../../src/auditor/store.ts";
import { createChainClient, type ChainClient } from "../../src/chain/client.ts";
import type { Deployment } from "../../src/chain/deployment.ts";
import { TransactionSender } from "../../src/chain/transactions/sender.ts";
import { Services } from "../../src/chain/services.ts";
import { devKey } from "../../devnet/devnet.ts";
import type { Startable } from "../../src/node/lifecycle.ts";
import { silentLogger } from "../../src/node/logger.ts";
import { systemTimers, type Timers } from "../../src/node/timers.ts";
import { proofOfServiceAbi } from "../../src/protocol/abi/proofOfService.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { epochStart } from "../../src/protocol/epoch.ts";
import { ReceiptSigner } from "../../src/protocol/receipt.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { inspectionNonce } from "../../src/protocol/sortition.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { registerService } from "../../src/chain/register.ts";
import { startAnvil, type Anvil } from "./anvil.ts";
import { hashOf } from "./auditorRig.ts";
import { deployOn } from "./onAnvil.ts";
import { until } from "./until.ts";

/** As on a public network. */
const EPOCH_SECONDS = 3_600;
/** Long, so that a busy machine has time to answer while blocks come fast; seconds. */
const CHALLENGE_WINDOW = 3_000;
/** Between two blocks, where they come until something holds, milliseconds. */
const BLOCK_MS = 40;
/** How much faster than real time workers' timers run here. */
const SPEED = 20;
/** Whose keys play which part. */
export const keys = {
  treasury: devKey(0),
  provider: devKey(1),
  auditor: devKey(4),
  operator: devKey(9),
};

/** Timers that run faster than real ones. */
export const fastTimers: Timers = {
  monotonic: () => systemTimers.monotonic() * SPEED,
  sleep: (milliseconds, signal) => systemTimers.sleep(milliseconds / SPEED, signal),
};

/** Contracts on Anvil, with one service and one auditor who has all of the auditors' stake. */
export class AuditorStage {
  readonly anvil: Anvil;
  readonly deployment: Deployment;
  readonly client: ChainClient;
  readonly folder: string;
  readonly auditor: Address = keys.auditor.address;
  /** The first epoch in which the auditor counts. */
  readonly first: number;
  #snapshot: string;

  private constructor(anvil: Anvil, folder: string, deployment: Deployment, snapshot: string) {
    this.anvil = anvil;
    this.folder = folder;
    this.deployment = deployment;
    this.client = createChainClient([anvil.rpcUrl], deployment.chainId);
    this.first = 2;
    this.#snapshot = snapshot;
  }

  static async start(): Promise<AuditorStage> {
    const folder = mkdtempSync(path.join(tmpdir(), "blockcloud-stage-"));
    const anvil = await startAnvil();
    try {
      const deployment = await deployOn(anvil.rpcUrl, folder, {
        epochSeconds: EPOCH_SECONDS,
        challengeWindow: CHALLENGE_WINDOW,
      });
      await cast(anvil.rpcUrl, deployment);
      // From here on blocks come when a test wants them.
      await anvil.request("evm_setAutomine", [false]);
      const snapshot = await anvil.request<string>("evm_snapshot");
      return new AuditorStage(anvil, folder, deployment, snapshot);
    } catch (error) {
      await anvil.stop();
      rmSync(folder, { recursive: true });
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.anvil.stop();
    rmSync(this.folder, { recursive: true });
  }

  /** Back to the moment after the enrolment; the auditor has lost its state. */
  async reset(): Promise<void> {
    await this.anvil.request("evm_revert", [this.#snapshot]);
    this.#snapshot = await this.anvil.request("evm_snapshot");
    for (const suffix of ["", "-wal", "-shm"]) rmSync(this.storeFile + suffix, { force: true });
  }

  /** Where the auditor has its state. */
  get storeFile(): string {
    return auditorStoreFile(this.folder, this.auditor, this.deployment);
  }

  /** Makes the auditor's worker, which goes on from its state. */
  createAuditor(
    rpcUrls: readonly string[],
    environment: Omit<AuditorEnvironment, "timers" | "createVoter">,
  ): Startable {
    const { deployment, auditor, folder, voter } = this;
    return createAuditor(
      {
        rpcUrls,
        deployment,
        auditor,
        operatorKey: keys.operator.key,
        stateDir: folder,
        allowLoopback: true,
      },
      { ...environment, timers: fastTimers, createVoter: () => voter },
    );
  }

  /** How far the auditor's round of an epoch is. */
  async round(epoch: number) {
    const [committed, revealed, claimed] = await this.client.readContract({
      ...this.#proofOfService,
      functionName: "roundOf",
      args: [this.auditor, epoch],
    });
    return { committed, revealed: revealed === 1, claimed: claimed === 1n };
  }

  async hasSeed(epoch: number): Promise<boolean> {
    const [seed] = await this.client.readContract({
      ...this.#proofOfService,
      functionName: "seedOf",
      args: [epoch],
    });
    return BigInt(seed) !== 0n;
  }

  get #proofOfService() {
    return { address: this.deployment.contracts.proofOfService, abi: proofOfServiceAbi };
  }

  async mine(): Promise<void> {
    await this.anvil.request("evm_mine");
  }

  /** Mines until something holds: some blocks a second, so that a busy machine keeps up with them. */
  mineUntil(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const mineAndLook = async () => {
      await this.mine();
      return holds();
    };
    return until(what, mineAndLook, BLOCK_MS);
  }

  /** Mines a block at a share of an epoch, unless the chain is past it, and one more. */
  async jump(epoch: number, share: number): Promise<void> {
    const target = Math.floor(epochStart(this.deployment, epoch) + share * EPOCH_SECONDS);
    const { timestamp } = await this.client.getBlock();
    if (Number(timestamp) < target) await this.anvil.request("evm_setNextBlockTimestamp", [target]);
    await this.mine();
    await this.mine();
  }

  /** To the moment at which an epoch's seed is proven. */
  async untilSeed(epoch: number): Promise<void> {
    await this.jump(epoch, 0.3);
    await this.mineUntil("the seed is proven", () => this.hasSeed(epoch));
  }

  /** To the moment at which reveals and claims are due in an epoch. */
  async untilEarning(epoch: number): Promise<void> {
    await this.jump(epoch, 0);
    await this.untilSeed(epoch);
    await this.jump(epoch, 0.42);
  }

  /** Votes EXCELLENT with a receipt as the service would give it. */
  readonly voter: Voter = {
    vote: ({ number }, epoch, y) => {
      const { chainId, contracts } = this.deployment;
      const signer = new ReceiptSigner(blockcloudDomain(BigInt(chainId), contracts.registry));
      const salt = hashOf(epoch % 256);
      const receipt = {
        serviceId: rootServiceId(number),
        nonce: inspectionNonce(y, number, salt),
        channel: hashOf(1),
        issuedAt: BigInt(epochStart(this.deployment, epoch) * 1000),
      };
      const { channel, issuedAt, signature } = signer.sign(receipt, hexToBytes(keys.provider.key));
      return Promise.resolve({
        number,
        grade: 3,
        evidence: { number, salt, channel, issuedAt, signature },
      });
    },
  };
}

/** Registers the service and enrols the auditor. */
async function cast(rpcUrl: string, deployment: Deployment): Promise<void> {
  const client = createChainClient([rpcUrl], deployment.chainId);
  client.pollingInterval = 10;
  const sender = (key: Hex) =>
    new TransactionSender(
      { rpcUrls: [rpcUrl], chainId: deployment.chainId, key },
      { client, log: silentLogger },
    );
  const stake = parseEther("10000");
  for (const { address } of [keys.provider, keys.auditor]) {
    await sender(keys.treasury.key).send({
      address: deployment.contracts.token,
      abi: erc20Abi,
      functionName: "transfer",
      args: [address, 2n * stake],
    });
  }
  await registerService(sender(keys.provider.key), deployment, new Services(client, deployment), {
    classId: 0,
    key: keys.provider.address,
    probe: { v: 1, requests: [{ path: "/" }] },
    metadata: "",
    stake,
  });
  await enrolAuditor(sender(keys.auditor.key), client, deployment, {
    operatorKey: keys.operator.key,
    stake,
    chainNumber: 0,
  });
}
