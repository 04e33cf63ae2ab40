import { existsSync } from "node:fs";
import type { Address, Hex } from "viem";
import { AuditorStore, auditorStoreFile } from "../../auditor/store.ts";
import type { ChainClient } from "../../chain/client.ts";
import type { Deployment } from "../../chain/deployment.ts";
import type { FeePolicy } from "../../chain/fees.ts";
import { WorkerLock } from "../../node/lock.ts";
import { silentLogger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { proofOfServiceAbi } from "../../protocol/abi/proofOfService.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { Progress } from "../framework/progress.ts";
import { workerLock } from "../framework/worker.ts";

/** Epochs after the audited one in which a round can be claimed (`CLAIM_EPOCHS` and the two before). */
const CLAIMABLE_EPOCHS = 130;
/** How often the state is looked at, milliseconds. */
const POLL_MS = 2_000;

export interface LastRoundsOptions {
  readonly auditor: Address;
  readonly stateDir: string;
  /** With it, what is left is revealed and claimed here, unless a worker does. */
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

/** The rounds that an auditor has made and not been paid for, by this host's state folder. */
export class LastRounds {
  readonly #options: LastRoundsOptions;
  readonly #d: LastRoundsDependencies;

  constructor(options: LastRoundsOptions, dependencies: LastRoundsDependencies) {
    this.#options = options;
    this.#d = dependencies;
  }

  /** Epochs whose round is not claimed and still can be; undefined when there is no state here. */
  async open(): Promise<number[] | undefined> {
    const file = auditorStoreFile(this.#options.stateDir, this.#options.auditor);
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
   * Whether they can be claimed: by a worker that runs, or with the operator's key.
   *
   * @throws BlockcloudError `ROUNDS_OPEN` before anything is sent, when nobody would.
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

  /** Waits until all are claimed; does it itself where no worker runs. */
  async settle(): Promise<void> {
    const { operatorKey, stateDir } = this.#options;
    const { deployment } = this.#d;
    if (operatorKey === undefined || ((await this.open()) ?? []).length === 0) return;
    const lock = workerLock(stateDir, deployment, operatorKey);
    if (WorkerLock.isTaken(lock)) return this.#untilNone("a worker claims");
    const held = WorkerLock.take(lock);
    // Loads the record network, too, which few commands need.
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
