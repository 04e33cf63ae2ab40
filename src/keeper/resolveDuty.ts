import { isAddressEqual, type Address } from "viem";
import type { Challenge, Challenges, Question } from "../chain/challenges.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { Moment } from "../chain/views/contracts.ts";
import { challengeBookAbi } from "../protocol/abi/challengeBook.ts";
import { epochStart } from "../protocol/epoch.ts";
import type { Chore, KeeperDuty, Offer } from "./duty.ts";
import type { KeeperStore } from "./store.ts";

/** Challenges looked at in one round. */
const LIMIT = 32;
/** Epochs after the one of opening from which the question may come (`ChallengeBook.SEED_EPOCHS`). */
const SEED_EPOCHS = 3;
/** A challenge that waits for its seed is looked at again after this share of an epoch. */
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
  readonly #d: ResolveDependencies;

  /** @param options `keeper`: who calls; only a challenger of its own is paid. */
  constructor(options: { keeper: Address }, dependencies: ResolveDependencies) {
    this.#keeper = options.keeper;
    this.#d = dependencies;
  }

  async run(moment: Moment, offer: Offer): Promise<void> {
    const { store, challenges, deployment } = this.#d;
    const chores: Chore[] = [];
    for (const id of store.challenges(moment.timestamp, LIMIT)) {
      const [challenge, question] = await Promise.all([
        challenges.get(id),
        challenges.question(id),
      ]);
      if (challenge.state !== "Open") {
        // Closed, or gone with a reorganisation; its event brings it back.
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
    const { deployment, challenges } = this.#d;
    const { id, number, openedIn, penalty } = challenge;
    const seedBy = epochStart(deployment, openedIn + 1 + SEED_EPOCHS);
    const isUnanswered = question !== undefined && moment.timestamp > question.deadline;
    const isUnasked = question === undefined && moment.timestamp >= seedBy;
    if (!isUnanswered && !isUnasked) return undefined;
    const own = isAddressEqual(challenge.challenger, this.#keeper);
    const reward = own ? (await challenges.bond()) + (isUnanswered ? penalty / 2n : 0n) : 0n;
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
