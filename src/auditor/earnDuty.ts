import { randomInt } from "node:crypto";
import {
  encodeFunctionData,
  formatEther,
  parseEventLogs,
  type Abi,
  type Address,
  type Hex,
} from "viem";
import type { ChainClient } from "../chain/client.ts";
import { nextBlock, staysFor, untilPhase, type ChainTime } from "../chain/clock.ts";
import type { Deployment } from "../chain/deployment.ts";
import { decodeReason, describeRevert } from "../chain/transactions/revert.ts";
import type { Seeds } from "../chain/seeds.ts";
import type { TransactionSender } from "../chain/transactions/sender.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import { epochStart } from "../protocol/epoch.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { CLAIM_EPOCHS, type ChunkArgument } from "../protocol/round.ts";
import { drawKey } from "../protocol/sortition.ts";
import type { Duty } from "./auditor.ts";
import { batches } from "./batches.ts";
import { elsewhere } from "./foreignRounds.ts";
import { OpenedRound } from "./round.ts";
import type { AuditorStore, StoredRound } from "./store.ts";

/** The part of the epoch in which reveals and claims are sent, at a random moment. */
const EARLY = { from: 0.2, to: 0.4 };
/** Interval in epochs between payouts of claimed pay: each payout costs a transfer. */
const COLLECT_EVERY = 24;
/** A claim whose window ends within this number of epochs is as urgent as a reveal. */
const LAST_EPOCHS = 8;
/** Age in epochs at which a round that cannot be claimed is given up. */
const GIVE_UP_EPOCHS = 8;
/** Depth in blocks until which a reveal is watched. */
const REVEAL_DEPTH = 5n;
/** Share of the epoch until which the duty waits for its seed, which the newest claim needs. */
const SEED_BY = 0.5;

export interface EarnDependencies {
  client: ChainClient;
  deployment: Deployment;
  seeds: Seeds;
  store: AuditorStore;
  sender: TransactionSender;
  time: ChainTime;
  timers: Timers;
  log: Logger;
}

/** One call of the batch. */
interface Part {
  kind: "reveal" | "claim" | "collect";
  epoch: number;
  words: number;
  data: Hex;
}

/**
 * Reveals the previous epoch's round and claims older ones, in one transaction if they fit. Sometimes it also
 * collects the claimed pay.
 */
export class EarnDuty implements Duty {
  readonly name = "earn";
  readonly #auditor: Address;
  readonly #client: ChainClient;
  readonly #deployment: Deployment;
  readonly #seeds: Seeds;
  readonly #store: AuditorStore;
  readonly #sender: TransactionSender;
  readonly #time: ChainTime;
  readonly #timers: Timers;
  readonly #log: Logger;
  /** Epochs for which another instance has committed to its own round. */
  readonly #foreign = new Set<number>();
  /** The round whose loss was logged. */
  #lost: number | undefined;

  constructor(options: { auditor: Address }, dependencies: EarnDependencies) {
    this.#auditor = options.auditor;
    this.#client = dependencies.client;
    this.#deployment = dependencies.deployment;
    this.#seeds = dependencies.seeds;
    this.#store = dependencies.store;
    this.#sender = dependencies.sender;
    this.#time = dependencies.time;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
  }

  async run(epoch: number, signal: AbortSignal): Promise<void> {
    const time = this.#time;
    const store = this.#store;
    const moment = EARLY.from + ((EARLY.to - EARLY.from) * randomInt(1000)) / 1000;
    await untilPhase(time, epoch, moment, signal);
    await this.#untilRecorded(epoch, signal);

    store.prune(epoch - CLAIM_EPOCHS - 2);
    const reveals = await this.#reveals(epoch - 1);
    const urgentClaims = await this.#claims(epoch, epoch - CLAIM_EPOCHS - 1 + LAST_EPOCHS);
    const urgent = [...reveals, ...urgentClaims];
    // Claims and the payout can wait for cheaper gas, and share a later transaction with a reveal.
    const isAffordable = await this.#sender.isAffordable();
    if (!isAffordable) this.#log.info("gas is expensive: claims wait", { epoch });
    const patient = isAffordable
      ? [...(await this.#claims(epoch, epoch - 2)), ...(await this.#collects(epoch))]
      : [];
    const rest = patient.filter((part) => !urgent.some(({ data }) => data === part.data));
    for (const batch of batches([...urgent, ...rest])) {
      signal.throwIfAborted();
      await this.#send(batch, {
        epoch,
        urgent: batch.some((part) => urgent.includes(part)),
        signal,
      });
    }
    await this.#untilRevealed(epoch - 1, signal);
  }

  /** Watches the reveal until it is some blocks deep: it can be repeated only in this epoch. */
  async #untilRevealed(epoch: number, signal: AbortSignal): Promise<void> {
    if (this.#foreign.has(epoch) || this.#store.round(epoch) === undefined) return;
    const isRevealed = async () => (await this.#reveals(epoch)).length === 0;
    // Without a seed a reveal is not possible yet; the seed may still be recorded.
    const isSeedKnown = (await this.#seeds.recorded(epoch)) !== undefined;
    const isDone = isSeedKnown && (await isRevealed());
    if (
      isDone &&
      (await staysFor({ time: this.#time, timers: this.#timers }, REVEAL_DEPTH, isRevealed, signal))
    )
      return;
    throw new BlockcloudError("REVEAL_INCOMPLETE", `Round ${epoch} is not revealed yet.`, {
      retryable: true,
    });
  }

  async #untilRecorded(epoch: number, signal: AbortSignal): Promise<void> {
    const seeds = this.#seeds;
    const time = this.#time;
    const log = this.#log;
    const limit = epochStart(time.timing, epoch) + SEED_BY * time.timing.epochSeconds;
    while (!(await seeds.recorded(epoch))) {
      if (time.head().timestamp >= limit) {
        log.warn("the epoch's seed is not recorded yet", { epoch });
        return;
      }
      await nextBlock({ time: this.#time, timers: this.#timers }, signal);
    }
  }

  /** The chunks of a round that are not revealed yet. */
  async #reveals(epoch: number): Promise<Part[]> {
    const round = this.#foreign.has(epoch) ? undefined : this.#store.round(epoch);
    if (round === undefined) return [];
    const [committed, revealed] = await this.#progress(epoch);
    if (!committed) {
      this.#once(epoch, () => {
        this.#log.warn("the round was never committed", { epoch });
      });
      return [];
    }
    const left = new OpenedRound(this.#auditor, round).chunks.slice(revealed);
    if (!(await this.#canReveal(round, left))) return [];
    return left.map((chunk) => ({
      kind: "reveal",
      epoch,
      words: chunk.words.length,
      data: encodeFunctionData({
        abi: proofOfServiceAbi,
        functionName: "reveal",
        args: [chunk],
      }),
    }));
  }

  /** Whether a round's votes fit its seed, which a reorganisation may have changed after the commitment. */
  async #canReveal(round: StoredRound, left: readonly ChunkArgument[]): Promise<boolean> {
    const { epoch, secret, y } = round;
    const recorded = await this.#seeds.recorded(epoch);
    const [chunk] = left;
    if (recorded === undefined || chunk === undefined) return false;
    if (drawKey(recorded.seed, secret, this.#auditor) === y) return true;
    try {
      // If the new seed draws the same shards, the reveal is valid and only the claim fails.
      await this.#estimate("reveal", [chunk]);
      return true;
    } catch (error) {
      if (!(error instanceof BlockcloudError) || error.retryable) throw error;
      this.#once(epoch, () => {
        const message = "the epoch's seed has changed since: the round cannot be revealed";
        this.#log.error(message, { epoch, error });
      });
      return false;
    }
  }

  /** The payout of earlier claims. */
  async #collects(epoch: number): Promise<Part[]> {
    if (epoch % COLLECT_EVERY !== 0) return [];
    const earned = await this.#client.readContract({
      address: this.#deployment.contracts.proofOfService,
      abi: proofOfServiceAbi,
      functionName: "earnedOf",
      args: [this.#auditor],
    });
    if (earned === 0n) return [];
    const args = [this.#auditor] as const;
    const data = encodeFunctionData({ abi: proofOfServiceAbi, functionName: "collect", args });
    return [{ kind: "collect", epoch, words: 0, data }];
  }

  /** The claims that are possible now for rounds up to an epoch, oldest first. */
  async #claims(current: number, last: number): Promise<Part[]> {
    const parts: Part[] = [];
    for (const epoch of this.#store.unclaimed(current - CLAIM_EPOCHS - 1, last)) {
      parts.push(...(await this.#claimsOf(epoch, current)));
    }
    return parts;
  }

  async #claimsOf(epoch: number, current: number): Promise<Part[]> {
    const store = this.#store;
    const log = this.#log;
    const round = store.round(epoch);
    const [, revealed, claimed] = await this.#progress(epoch);
    const opened = round && new OpenedRound(this.#auditor, round);
    const chunks = opened?.chunks ?? [];
    const isOpen = ({ index }: ChunkArgument) => ((claimed >> BigInt(index)) & 1n) === 0n;
    const open = chunks.filter((chunk) => chunk.index < revealed && isOpen(chunk));
    // An endpoint that lags behind must not make the worker give up the round.
    const isOld = current >= epoch + GIVE_UP_EPOCHS;
    if (opened === undefined || open.length === 0) {
      if (isOld || !chunks.some(isOpen)) store.markClaimed(epoch);
      return [];
    }
    const sample = await this.#firstSeed(epoch + 2, current);
    if (sample === undefined) return [];
    const parts: Part[] = [];
    let lost = 0;
    for (const chunk of open) {
      try {
        const samples = opened.samples(chunk.index, sample.seed);
        const args = [chunk, sample.epoch, samples] as const;
        // A chunk that would revert is left out and costs no gas.
        await this.#estimate("claim", args);
        const data = encodeFunctionData({ abi: proofOfServiceAbi, functionName: "claim", args });
        parts.push({ kind: "claim", epoch, words: chunk.words.length, data });
      } catch (error) {
        if (!(error instanceof BlockcloudError)) throw error;
        log.error("a chunk cannot be claimed", { epoch, index: chunk.index, error });
        if (!error.retryable) lost += 1;
      }
    }
    if (isOld && lost === open.length) store.markClaimed(epoch);
    return parts;
  }

  /** Simulates a call on chain. */
  async #estimate(functionName: "reveal" | "claim", args: readonly unknown[]): Promise<void> {
    const abi: Abi = proofOfServiceAbi;
    try {
      await this.#client.estimateContractGas({
        address: this.#deployment.contracts.proofOfService,
        abi,
        functionName,
        args,
        account: this.#sender.address,
        blockTag: "latest",
      });
    } catch (cause) {
      throw describeRevert(functionName, cause);
    }
  }

  #once(epoch: number, say: () => void): void {
    if (this.#lost === epoch) return;
    this.#lost = epoch;
    say();
  }

  async #firstSeed(
    from: number,
    current: number,
  ): Promise<{ epoch: number; seed: Hex } | undefined> {
    for (let epoch = from; epoch <= current; epoch++) {
      const recorded = await this.#seeds.recorded(epoch);
      if (recorded) return { epoch, seed: recorded.seed };
    }
    return undefined;
  }

  #progress(epoch: number) {
    return this.#client.readContract({
      address: this.#deployment.contracts.proofOfService,
      abi: proofOfServiceAbi,
      functionName: "roundOf",
      args: [this.#auditor, epoch],
    });
  }

  async #send(
    batch: readonly Part[],
    { epoch, urgent, signal }: { epoch: number; urgent: boolean; signal: AbortSignal },
  ): Promise<void> {
    const log = this.#log;
    const sender = this.#sender;
    const time = this.#time;
    const call = {
      address: this.#deployment.contracts.proofOfService,
      abi: proofOfServiceAbi,
      functionName: "tryMulticall",
      args: [batch.map((part) => part.data)],
    };
    const deadline = epochStart(time.timing, epoch + 1) - 1;
    const receipt = await sender.send(call, { signal, deadline, urgent });
    const events = parseEventLogs({ abi: proofOfServiceAbi, logs: receipt.logs });
    for (const event of events) {
      if (event.eventName === "Revealed") {
        log.info("round revealed", { epoch: event.args.epoch, votes: event.args.votes });
      } else if (event.eventName === "Claimed") {
        const { epoch, paidVotes, reward } = event.args;
        log.info("round claimed", { epoch, paidVotes, reward: formatEther(reward) });
      } else if (event.eventName === "Collected") {
        log.info("pay collected", { amount: formatEther(event.args.amount) });
      } else if (event.eventName === "CallFailed") {
        this.#callFailed(batch[Number(event.args.index)], event.args.reason);
      }
    }
  }

  #callFailed(part: Part | undefined, data: Hex): void {
    const log = this.#log;
    const error = decodeReason(proofOfServiceAbi, data);
    const reason =
      error === undefined ? data : `${error.name}(${error.args.map(String).join(", ")})`;
    const about = { kind: part?.kind, epoch: part?.epoch, reason };
    log.error("a call of the batch failed", about);
    if (part?.kind !== "reveal" || error?.name !== "PosCommitmentMismatch") return;
    // It would revert each time and cost gas.
    this.#foreign.add(part.epoch);
    log.error("another instance commits for this auditor", {
      ...about,
      error: elsewhere(this.#auditor, part.epoch),
    });
  }
}
