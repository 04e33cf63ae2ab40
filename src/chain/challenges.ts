import type { Address, Hex } from "viem";
import { challengeBookAbi } from "../protocol/abi/challengeBook.ts";
import { SEED_EPOCHS } from "../protocol/challenge.ts";
import { epochStart, RING, type EpochTiming } from "../protocol/epoch.ts";
import type { ChainClient } from "./client.ts";
import type { Deployment } from "./deployment.ts";

/** States of a challenge, by the contract's numbers. */
export const challengeStates = ["None", "Open", "Answered", "Unanswered", "Annulled"] as const;
export type ChallengeState = (typeof challengeStates)[number];

/** A challenge, with the data that was frozen when it was opened. */
export interface Challenge {
  id: bigint;
  number: bigint;
  challenger: Address;
  /** The epoch in which it was opened; its seed is of a later epoch. */
  openedIn: number;
  /** The service key that must answer. */
  key: Address;
  /** The penalty without an answer, BLOC in wei. */
  penalty: bigint;
  state: ChallengeState;
}

/** The question of a challenge, known after a seed is recorded, and the deadline, Unix seconds. */
export interface Question {
  nonce: Hex;
  deadline: number;
}

/**
 * The stage of an open challenge: `waiting` for its question; `running`, it can be answered; `unanswered`, it can
 * be resolved; `unasked`, it never got a question and can be annulled.
 */
export type ChallengeStage = "waiting" | "running" | "unanswered" | "unasked";

/**
 * The stage of an open challenge. After the ring may have overwritten the seeds of its time, an open challenge
 * counts as unanswered, with or without a question.
 *
 * @param now Time of the newest block, Unix seconds.
 */
export function challengeStage(
  timing: EpochTiming,
  { openedIn }: Pick<Challenge, "openedIn">,
  question: Question | undefined,
  now: number,
): ChallengeStage {
  if (now >= epochStart(timing, openedIn + RING)) return "unanswered";
  if (question !== undefined) return now > question.deadline ? "unanswered" : "running";
  return now >= epochStart(timing, openedIn + 1 + SEED_EPOCHS) ? "unasked" : "waiting";
}

/** Typed reads of the challenge book. */
export class Challenges {
  readonly #client: ChainClient;
  readonly #book: { address: Address; abi: typeof challengeBookAbi };
  #window: Promise<number> | undefined;

  constructor(client: ChainClient, deployment: Deployment) {
    this.#client = client;
    this.#book = { address: deployment.contracts.challengeBook, abi: challengeBookAbi };
  }

  /** Time to answer, seconds; the contract never changes it. */
  windowSeconds(): Promise<number> {
    this.#window ??= this.#client
      .readContract({ ...this.#book, functionName: "windowSeconds" })
      .then(Number)
      .catch((error: unknown) => {
        this.#window = undefined;
        throw error;
      });
    return this.#window;
  }

  /** The bond of a challenger, BLOC in wei. */
  bond(): Promise<bigint> {
    return this.#client.readContract({ ...this.#book, functionName: "bond" });
  }

  /** Number of challenges that were ever opened; their IDs begin at 1. */
  count(): Promise<bigint> {
    return this.#client.readContract({ ...this.#book, functionName: "challengeCount" });
  }

  /** End of the cool-down after an unanswered challenge, Unix seconds; 0 if there was none. */
  async quietUntil(number: bigint): Promise<number> {
    const args = [number] as const;
    return Number(
      await this.#client.readContract({ ...this.#book, functionName: "quietUntil", args }),
    );
  }

  /** The open challenge of a service; undefined if there is none. */
  async open(number: bigint): Promise<bigint | undefined> {
    const id = await this.#client.readContract({
      ...this.#book,
      functionName: "openChallenge",
      args: [number],
    });
    return id === 0n ? undefined : id;
  }

  /** A challenge, at the newest block. */
  async get(id: bigint): Promise<Challenge> {
    const { number, challenger, openedIn, key, penalty, state } = await this.#client.readContract({
      ...this.#book,
      functionName: "challengeOf",
      args: [id],
    });
    const told = { id, number, challenger, openedIn, key, penalty };
    return { ...told, state: challengeStates[state] ?? "None" };
  }

  /** The question of a challenge; undefined until a seed is recorded. */
  async question(id: bigint): Promise<Question | undefined> {
    const [nonce, deadline] = await this.#client.readContract({
      ...this.#book,
      functionName: "questionOf",
      args: [id],
    });
    return BigInt(nonce) === 0n ? undefined : { nonce, deadline: Number(deadline) };
  }
}
