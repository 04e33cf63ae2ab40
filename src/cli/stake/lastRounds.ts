import { existsSync } from "node:fs";
import type { Address, Hex } from "viem";
import { AuditorStore, auditorStoreFile } from "../../auditor/store.ts";
import type { ChainClient } from "../../chain/client.ts";
import type { Deployment } from "../../chain/deployment.ts";
import type { FeePolicy } from "../../chain/transactions/fees.ts";
import { WorkerLock } from "../../node/lock.ts";
import { silentLogger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { proofOfServiceAbi } from "../../protocol/abi/proofOfService.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { Progress } from "../framework/progress.ts";
import { workerLock } from "../framework/worker.ts";

/** Epochs after the audited one in which a round can be claimed (`CLAIM_EPOCHS` and the two before). */
const CLAIMABLE_EPOCHS = 130;
/** Interval between reads of the state, milliseconds. */
const POLL_MS = 2_000;

export interface LastRoundsOptions {
  readonly auditor: Address;
  readonly stateDir: string;
  /** If set, this command reveals and claims the remaining rounds, unless a worker does. */
  readonly operatorKey: Hex | undefined;
  readonly rpcUrls: readonly string[];
  readonly fees: FeePolicy;
}

export interface LastRoundsDependencies {
  readonly client: ChainClient;
  readonly deployment: Deployment;
  readonly timers: Timers;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** The unpaid rounds of an auditor, according to the state folder on this host. */
export class LastRounds {
  readonly #options: LastRoundsOptions;
  readonly #d: LastRoundsDependencies;

  constructor(options: LastRoundsOptions, dependencies: LastRoundsDependencies) {
    this.#options = options;
    this.#d = dependencies;
  }

  /**
   * Epochs whose round is not claimed but still can be; undefined if this host has no state of the auditor.
   */
  async open(): Promise<number[] | undefined> {
    const { stateDir, auditor } = this.#options;
    const file = auditorStoreFile(stateDir, auditor, this.#d.deployment);
    if (!existsSync(file)) return undefined;
    const epoch = await this.#d.client.readContract({
      address: this.#d.deployment.contracts.proofOfService,
      abi: proofOfServiceAbi,
      functionName: "currentEpoch",
    });
    const store = new AuditorStore(file);
    try {
      return store.unclaimed(Math.max(0, epoch - CLAIMABLE_EPOCHS), epoch);
    } finally {
      store.close();
    }
  }

  /**
   * Checks that they can be claimed: by a running worker, or with the operator's key.
   *
   * @throws BlockcloudError `ROUNDS_OPEN` if neither is available; nothing has been sent then.
   */
  async check(): Promise<void> {
    const open = (await this.open()) ?? [];
    const { operatorKey } = this.#options;
    if (open.length === 0 || operatorKey !== undefined) return;
    throw new BlockcloudError(
      "ROUNDS_OPEN",
      `${open.length} rounds wait to be revealed and claimed, the newest of epoch ${open.at(-1) ?? 0}.`,
      {
        remedy: "Give --operator-key-file: without it they are lost, and the stake can be slashed.",
      },
    );
  }

  /** Waits until all are claimed; claims them itself if no worker runs. */
  async settle(): Promise<void> {
    const { operatorKey, stateDir } = this.#options;
    const { deployment } = this.#d;
    if (operatorKey === undefined || ((await this.open()) ?? []).length === 0) return;
    const lock = workerLock(stateDir, deployment, operatorKey);
    if (WorkerLock.isTaken(lock)) return this.#untilNone("a worker claims");
    const held = WorkerLock.take(lock);
    // Loaded on demand, because it loads the record network, which few commands need.
    const { createAuditor } = await import("../../auditor/createAuditor.ts");
    const worker = createAuditor(
      {
        rpcUrls: this.#options.rpcUrls,
        fees: this.#options.fees,
        deployment,
        auditor: this.#options.auditor,
        operatorKey,
        stateDir,
        allowLoopback: false,
        duties: ["tick", "earn"],
      },
      { timers: this.#d.timers, log: silentLogger },
    );
    try {
      await worker.start();
      await this.#untilNone("revealing and claiming");
    } finally {
      await worker.stop();
      held.release();
    }
  }

  async #untilNone(who: string): Promise<void> {
    const { progress, timers, signal } = this.#d;
    for (;;) {
      const open = (await this.open()) ?? [];
      if (open.length === 0) break;
      progress.update(
        `${who}: ${open.length} rounds are left, the oldest of epoch ${open[0] ?? 0}`,
      );
      await timers.sleep(POLL_MS, signal);
    }
    progress.clear();
  }
}
