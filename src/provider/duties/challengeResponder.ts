import type { Hex } from "viem";
import { challengeStage, type Challenges, type Question } from "../../chain/challenges.ts";
import type { ChainTime } from "../../chain/clock.ts";
import type { Deployment } from "../../chain/deployment.ts";
import type { Call } from "../../chain/transactions/call.ts";
import type { TransactionSender } from "../../chain/transactions/sender.ts";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { challengeBookAbi } from "../../protocol/abi/challengeBook.ts";
import { hexToBytes } from "../../protocol/bytes.ts";
import { livenessProof } from "../../protocol/challenge.ts";
import { epochStart, RING } from "../../protocol/epoch.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { blockcloudDomain } from "../../protocol/typedData.ts";
import type { ServiceMetrics } from "../metrics.ts";

/** Minimum number of checks, and of attempts at a failing answer, in a window. */
const LOOKS = 60;
const TRIES = 20;
/** The calls in log messages. */
const names: Readonly<Record<string, string>> = { respond: "the answer", annul: "the annulment" };
/** Bounds of the pause between two checks, milliseconds. */
const PAUSE_MS = { least: 250, most: 60_000 };

export interface ChallengeResponderOptions {
  /** The service number. */
  number: bigint;
  /** Service keys that may answer: the current one, and earlier ones that a challenge may have frozen. */
  keys: readonly Hex[];
}

export interface ChallengeResponderDependencies {
  deployment: Deployment;
  challenges: Challenges;
  sender: TransactionSender;
  time: ChainTime;
  timers: Timers;
  log: Logger;
  metrics?: Pick<ServiceMetrics, "challengeOpen" | "challengeClosed">;
}

/**
 * Answers challenges of a service, and annuls those that never got a question, because they would count as
 * unanswered in the end. All state is on chain, so after a crash it continues with the open challenge.
 */
export class ChallengeResponder implements Startable {
  readonly #number: bigint;
  readonly #keys: ReadonlyMap<string, Uint8Array>;
  readonly #deployment: Deployment;
  readonly #challenges: Challenges;
  readonly #sender: TransactionSender;
  readonly #time: ChainTime;
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #metrics: Pick<ServiceMetrics, "challengeOpen" | "challengeClosed"> | undefined;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  /** The open challenge, and the messages about it that were logged. */
  #known: { id: bigint; said: Set<string> } | undefined;
  /** The newest block when there was no open challenge. */
  #idleAt = "";
  #failures = 0;
  #retryAt = 0;

  constructor(options: ChallengeResponderOptions, dependencies: ChallengeResponderDependencies) {
    this.#number = options.number;
    this.#keys = new Map(options.keys.map((key) => [addressOfKey(key), hexToBytes(key)]));
    this.#deployment = dependencies.deployment;
    this.#challenges = dependencies.challenges;
    this.#sender = dependencies.sender;
    this.#time = dependencies.time;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
    this.#metrics = dependencies.metrics;
  }

  start(): Promise<void> {
    this.#loop = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const challenges = this.#challenges;
    const timers = this.#timers;
    const log = this.#log;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let pauseMs = PAUSE_MS.least;
      try {
        const windowMs = (await challenges.windowSeconds()) * 1000;
        pauseMs = Math.min(PAUSE_MS.most, Math.max(PAUSE_MS.least, windowMs / LOOKS));
        await this.#look({ pauseMs, longestMs: windowMs / TRIES });
      } catch (error) {
        // The endpoint does not answer; it is queried again after the same pause.
        log.warn("cannot check for challenges, trying again", { error });
        pauseMs = Math.max(pauseMs, 4 * PAUSE_MS.least);
      }
      await timers.sleep(pauseMs, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }

  async #look(retry: { pauseMs: number; longestMs: number }): Promise<void> {
    const challenges = this.#challenges;
    const time = this.#time;
    const timers = this.#timers;
    const log = this.#log;
    const { hash } = time.head();
    // A new challenge needs a new block.
    if (hash === this.#idleAt) return;
    const id = await challenges.open(this.#number);
    if (this.#known !== undefined && this.#known.id !== id) await this.#close(this.#known.id);
    this.#idleAt = id === undefined ? hash : "";
    if (id === undefined) return;
    const [challenge, question] = await Promise.all([challenges.get(id), challenges.question(id)]);
    if (challenge.state !== "Open") return;

    this.#known ??= { id, said: new Set() };
    this.#metrics?.challengeOpen(question?.deadline);
    const about = { number: this.#number, challenge: id };
    const key = this.#keys.get(challenge.key);
    const until = question && { until: iso(question.deadline) };
    const windowSeconds = await challenges.windowSeconds();
    this.#once("opened", () => {
      const { challenger, key: frozen, openedIn } = challenge;
      const seedSince = iso(epochStart(time.timing, openedIn + 1));
      // There is no question yet: the window starts when the first seed since then is recorded.
      const due = until ?? { windowSeconds, seedSince };
      log.warn("the service is challenged", { ...about, challenger, key: frozen, ...due });
    });
    if (key === undefined) {
      this.#once("key", () => {
        log.error("cannot answer the challenge without the key that it froze", {
          ...about,
          keyNeeded: challenge.key,
          keysHeld: [...this.#keys.keys()],
          ...until,
        });
      });
    }
    const now = time.head().timestamp;
    const stage = challengeStage(time.timing, challenge, question, now);
    if (stage === "unasked" && timers.monotonic() >= this.#retryAt) {
      const deadline = epochStart(time.timing, challenge.openedIn + RING) - 1;
      await this.#send(id, { functionName: "annul", args: [id] }, deadline, retry);
      return;
    }
    if (question !== undefined) {
      this.#once("question", () => {
        log.info("the challenge has its question", { ...about, ...until });
      });
    }
    if (stage === "unanswered") {
      this.#once("late", () => {
        log.error("the time to answer the challenge is over", { ...about, ...until });
      });
      return;
    }
    // Waiting for a question costs nothing: the time to answer starts when the seed is recorded.
    if (question === undefined || key === undefined) return;
    if (timers.monotonic() < this.#retryAt) return;
    await this.#answer(id, question, key, retry);
  }

  async #answer(
    id: bigint,
    question: Question,
    key: Uint8Array,
    retry: { pauseMs: number; longestMs: number },
  ): Promise<void> {
    const { chainId, contracts } = this.#deployment;
    const domain = blockcloudDomain(BigInt(chainId), contracts.registry);
    const proof = livenessProof(domain, id, question.nonce, key);
    await this.#send(id, { functionName: "respond", args: [id, proof] }, question.deadline, retry);
  }

  /** Closes the challenge by a call of the challenge book, or logs the failure. */
  async #send(
    id: bigint,
    { functionName, args }: Pick<Call, "functionName" | "args">,
    deadline: number,
    retry: { pauseMs: number; longestMs: number },
  ): Promise<void> {
    const deployment = this.#deployment;
    const challenges = this.#challenges;
    const sender = this.#sender;
    const timers = this.#timers;
    const log = this.#log;
    const address = deployment.contracts.challengeBook;
    let error: unknown;
    try {
      const call = { address, abi: challengeBookAbi, functionName, args };
      // A pending transaction from before a restart has the same nonce, so only one of the two is mined.
      await sender.send(call, { signal: this.#stopping.signal, deadline, urgent: true });
    } catch (caught) {
      if (this.#stopping.signal.aborted) return;
      error = caught;
    }
    // After an error the chain decides: a transaction from before a restart may have closed the challenge, and
    // any account may annul it.
    const { state } = await challenges.get(id);
    if (state !== "Open") {
      await this.#close(id);
      return;
    }
    this.#failures += 1;
    const wait = Math.min(retry.pauseMs * 2 ** this.#failures, retry.longestMs);
    this.#retryAt = timers.monotonic() + wait;
    log.error(`${names[functionName] ?? functionName} did not get through, trying again`, {
      number: this.#number,
      challenge: id,
      inSeconds: wait / 1000,
      error,
    });
  }

  /** Logs the end of a challenge, and drops it. */
  async #close(id: bigint): Promise<void> {
    const challenges = this.#challenges;
    const log = this.#log;
    const { state } = await challenges.get(id);
    const about = { number: this.#number, challenge: id };
    this.#metrics?.challengeClosed(state);
    if (state === "Answered") log.info("challenge answered", about);
    else if (state === "Annulled") log.info("challenge annulled: no seed was recorded", about);
    else if (state === "Unanswered") {
      log.error("challenge lost: its staker is slashed", about);
    }
    this.#known = undefined;
    this.#failures = 0;
    this.#retryAt = 0;
  }

  #once(what: string, say: () => void): void {
    if (this.#known === undefined || this.#known.said.has(what)) return;
    this.#known.said.add(what);
    say();
  }
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
