import { expect } from "chai";
import type { Address, Hex } from "viem";
import { challengeStates, type ChallengeState } from "../../src/chain/challenges.ts";
import type { Call } from "../../src/chain/transactions/call.ts";
import { challengeQuestion, livenessSigner } from "../../src/protocol/challenge.ts";
import { epochAt } from "../../src/protocol/epoch.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { DEPLOYMENT, FakeChain } from "./fakeChain.ts";
import type { FakeTime } from "./fakeTime.ts";

export const SERVICE_KEY: Hex = `0x${"4b".repeat(32)}`;
export const CHALLENGER: Address = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
/** The epoch in which challenges are opened. */
export const EPOCH = 50;
/** Time to answer, seconds. */
export const WINDOW = 30;
const SEED: Hex = `0x${"5e".repeat(32)}`;
const NOBODY: Address = `0x${"00".repeat(20)}`;
const domain = blockcloudDomain(BigInt(DEPLOYMENT.chainId), DEPLOYMENT.contracts.registry);

/** A challenge book with one service, 7. */
export class FakeBook {
  readonly chain = new FakeChain();
  readonly #time: FakeTime;
  readonly challenges: { key: Address; state: ChallengeState; deadline: number | undefined }[] = [];

  constructor(time: FakeTime) {
    this.#time = time;
    const { answers } = this.chain;
    answers.windowSeconds = () => BigInt(WINDOW);
    answers.openChallenge = (number: bigint) => (number === 7n ? this.open : 0n);
    answers.challengeOf = (id: bigint) => this.told(id);
    answers.questionOf = (id: bigint) => {
      const deadline = this.challenges[Number(id) - 1]?.deadline;
      if (deadline === undefined) return [`0x${"00".repeat(32)}`, 0n];
      return [challengeQuestion(SEED, id), BigInt(deadline)];
    };
  }

  /** What the contract says of a challenge, or would say in another state. */
  told(id: bigint, state?: ChallengeState): object {
    const found = this.challenges[Number(id) - 1];
    return {
      challenger: CHALLENGER,
      number: 7n,
      openedIn: EPOCH,
      key: found?.key ?? NOBODY,
      penalty: 20n,
      staker: CHALLENGER,
      state: challengeStates.indexOf(state ?? found?.state ?? "None"),
      verifier: CHALLENGER,
    };
  }

  /** The number of the open challenge, 0 for none. */
  get open(): bigint {
    return BigInt(this.challenges.findIndex(({ state }) => state === "Open") + 1);
  }

  challenge(key: Hex = SERVICE_KEY): bigint {
    this.challenges.push({ key: addressOfKey(key), state: "Open", deadline: undefined });
    return BigInt(this.challenges.length);
  }

  /** The seed is recorded: the window begins. */
  ask(id: bigint): void {
    this.challenges[Number(id) - 1]!.deadline = Math.floor(this.#time.now()) + WINDOW;
  }

  set(id: bigint, state: ChallengeState): void {
    this.challenges[Number(id) - 1]!.state = state;
  }

  /** What the contract does with an answer or an annulment. */
  take({ functionName, args }: Call): void {
    const [id, proof] = args as [bigint, Hex];
    const found = this.challenges[Number(id) - 1]!;
    if (functionName === "annul") {
      const epoch = epochAt(DEPLOYMENT, this.#time.head().timestamp);
      const inTime = epoch >= EPOCH + 4 && epoch < EPOCH + 256;
      if (found.state !== "Open" || found.deadline !== undefined || !inTime) throw reverted();
      found.state = "Annulled";
      return;
    }
    expect(functionName).to.equal("respond");
    const late = this.#time.head().timestamp > (found.deadline ?? 0);
    const signer = livenessSigner(domain, challengeQuestion(SEED, id), proof);
    if (found.state !== "Open" || late || signer !== found.key) throw reverted();
    found.state = "Answered";
  }
}

/** What the sender throws where the contract would revert. */
export const reverted = () => new BlockcloudError("CALL_REVERTED", "respond reverts.");
