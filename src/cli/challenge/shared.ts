import type { Address } from "viem";
import {
  challengeStage,
  Challenges,
  type Challenge,
  type ChallengeStage,
  type Question,
} from "../../chain/challenges.ts";
import type { ChainClient } from "../../chain/client.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { readMoment, type Moment } from "../../chain/views/contracts.ts";
import { findService } from "../../chain/views/serviceView.ts";
import { challengeBookAbi } from "../../protocol/abi/challengeBook.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { epochStart } from "../../protocol/epoch.ts";
import { text, key } from "../framework/flag.ts";
import type { Step } from "../framework/plan.ts";
import { anyText } from "../framework/values.ts";
import { utc } from "../show/format.ts";

/** The service that a challenge is about. */
export const serviceArgument = {
  name: text("<service>", "number, label, name or ID of the service", anyText, { required: true }),
};

/** The sender: any account. */
export const payerKey = key("--wallet-key-file <path>", "file with the key that pays, mode 600", {
  env: "BLOCKCLOUD_WALLET_KEY",
  config: "keys.wallet",
  required: true,
});

/** A service's open challenge and its stage. */
export interface OpenChallenge {
  number: bigint;
  moment: Moment;
  challenge: Challenge;
  question: Question | undefined;
  stage: ChallengeStage;
}

/** Reads the open challenge of a service; undefined if there is none. */
export async function readOpenChallenge(
  client: ChainClient,
  deployment: Deployment,
  name: string,
): Promise<{ number: bigint; open: OpenChallenge | undefined }> {
  const number = await findService(client, deployment, name);
  const challenges = new Challenges(client, deployment);
  const id = await challenges.open(number);
  if (id === undefined) return { number, open: undefined };
  const [challenge, question, moment] = await Promise.all([
    challenges.get(id),
    challenges.question(id),
    readMoment(client, deployment),
  ]);
  const stage = challengeStage(deployment, challenge, question, moment.timestamp);
  return { number, open: { number, moment, challenge, question, stage } };
}

/**
 * Reads the open challenge of a service; there must be one.
 *
 * @throws BlockcloudError `CHALLENGE_NONE`.
 */
export async function needOpenChallenge(
  client: ChainClient,
  deployment: Deployment,
  name: string,
): Promise<OpenChallenge> {
  const { number, open } = await readOpenChallenge(client, deployment, name);
  if (open !== undefined) return open;
  throw new BlockcloudError("CHALLENGE_NONE", `Service ${number} has no open challenge.`, {
    remedy: "There is nothing to do: it was answered, resolved or annulled, or never opened.",
  });
}

/** A call of the challenge book. */
export function bookStep(
  book: Address,
  name: string,
  functionName: string,
  args: readonly unknown[],
): Step {
  return { name, call: { address: book, abi: challengeBookAbi, functionName, args } };
}

/** An open challenge as JSON. */
export function challengeJson({ challenge, question, stage }: OpenChallenge): object {
  return { ...challenge, number: Number(challenge.number), stage, question: question ?? null };
}

/** The stage of an open challenge, in one sentence. */
export function stageText(open: OpenChallenge, deployment: Deployment): string {
  const { challenge, question, stage } = open;
  const seed = utc(epochStart(deployment, challenge.openedIn + 1));
  if (stage === "waiting") return `its question comes with the first seed after ${seed}`;
  if (stage === "unasked") return "no seed was recorded for its question: anyone can annul it";
  if (question === undefined)
    return "it is so old that it counts as unanswered: anyone can resolve it";
  const deadline = utc(question.deadline);
  return stage === "running"
    ? `it can be answered until ${deadline}`
    : `it was not answered by ${deadline}: anyone can resolve it`;
}
