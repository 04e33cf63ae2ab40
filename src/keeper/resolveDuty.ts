import { isAddressEqual, type Address } from "viem";
import {
  challengeStage,
  type Challenge,
  type Challenges,
  type Question,
} from "../chain/challenges.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { Moment } from "../chain/views/contracts.ts";
import { challengeBookAbi } from "../protocol/abi/challengeBook.ts";
import { CHALLENGER_PERCENT, RESOLVER_PERCENT } from "../protocol/challenge.ts";
import type { Chore, KeeperDuty, Offer } from "./duty.ts";
import type { KeeperStore } from "./store.ts";

/** Number of challenges checked in one round. */
const LIMIT = 32;
/** Share of an epoch after which a challenge without a seed is checked again. */
const WAIT_SHARE = 0.1;

export interface ResolveDependencies {
  challenges: Challenges;
  deployment: Deployment;
  store: KeeperStore;
}

/** Closes challenges: unanswered ones after their deadline, and those that never got a question. */
export class ResolveDuty implements KeeperDuty {
  readonly name = "resolve";
  readonly #keeper: Address;
  readonly #challenges: Challenges;
  readonly #deployment: Deployment;
  readonly #store: KeeperStore;

  /** @param options `keeper`: the caller; for its own challenge it also receives the challenger's part. */
  constructor(options: { keeper: Address }, dependencies: ResolveDependencies) {
    this.#keeper = options.keeper;
    this.#challenges = dependencies.challenges;
    this.#deployment = dependencies.deployment;
    this.#store = dependencies.store;
  }

  async run(moment: Moment, offer: Offer): Promise<void> {
    const store = this.#store;
    const challenges = this.#challenges;
    const deployment = this.#deployment;
    const chores: Chore[] = [];
    for (const id of store.challenges(moment.timestamp, LIMIT)) {
      const [challenge, question] = await Promise.all([
        challenges.get(id),
        challenges.question(id),
      ]);
      if (challenge.state !== "Open") {
        // It was closed, or removed by a reorganisation; a new event would bring it back.
        store.dropChallenge(id);
        continue;
      }
      const chore = await this.#chore(challenge, question, moment);
      if (chore !== undefined) chores.push(chore);
      const wait = moment.timestamp + WAIT_SHARE * deployment.epochSeconds;
      const isRunning = question !== undefined && moment.timestamp <= question.deadline;
      store.postponeChallenge(id, isRunning ? question.deadline + 1 : wait);
    }
    if (chores.length > 0) await offer(chores);
  }

  async #chore(
    challenge: Challenge,
    question: Question | undefined,
    moment: Moment,
  ): Promise<Chore | undefined> {
    const deployment = this.#deployment;
    const challenges = this.#challenges;
    const { id, number, penalty } = challenge;
    const stage = challengeStage(deployment, challenge, question, moment.timestamp);
    if (stage === "waiting" || stage === "running") return undefined;
    const isUnanswered = stage === "unanswered";
    const own = isAddressEqual(challenge.challenger, this.#keeper);
    const share = (percent: bigint) => (isUnanswered ? (penalty * percent) / 100n : 0n);
    const reward =
      share(RESOLVER_PERCENT) + (own ? (await challenges.bond()) + share(CHALLENGER_PERCENT) : 0n);
    return {
      duty: this.name,
      call: {
        address: deployment.contracts.challengeBook,
        abi: challengeBookAbi,
        functionName: isUnanswered ? "resolve" : "annul",
        args: [id],
      },
      reward,
      about: { challenge: id, number, ends: isUnanswered ? "unanswered" : "annulled" },
    };
  }
}
