import { parseEventLogs } from "viem";
import { Challenges } from "../../chain/challenges.ts";
import { findService } from "../../chain/views/serviceView.ts";
import { challengeBookAbi } from "../../protocol/abi/challengeBook.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { sentJson } from "../framework/transactor.ts";
import { duration } from "../framework/wait.ts";
import { amount } from "../show/format.ts";
import { bookStep, payerKey, serviceArgument } from "./shared.ts";

/** `blockcloud challenge open` */
export const challengeOpen = transactCommand({
  args: serviceArgument,
  flags: {},
  signer: payerKey,
  examples: ["blockcloud challenge open 7 --wallet-key-file wallet.key"],
  notes: `The seed of the next epoch decides the question, and the service's key must answer it. After an answer in time
the service gets 80% of the bond. Otherwise you get the bond back and 30% of the slash; 20% of the slash go to the
account that resolves the challenge.`,
  async run({ args, client, deployment, transactor, output }) {
    const number = await findService(client, deployment, args.name);
    const challenges = new Challenges(client, deployment);
    const { challengeBook } = deployment.contracts;
    const [bond, windowSeconds] = await Promise.all([
      challenges.bond(),
      challenges.windowSeconds(),
    ]);
    const step = bookStep(challengeBook, `challenge service ${number}`, "challenge", [number]);
    const sent = await transactor.carryOut({
      title: `challenge service ${number}`,
      steps: [await transactor.paying(step, challengeBook, bond)],
      bloc: { bonded: bond },
      outcome: [
        `the service has ${duration(windowSeconds)} to answer, after the next epoch's seed is recorded`,
        `an answer in time costs you the bond of ${amount(bond)} BLOC`,
      ],
    });
    const logs = sent.at(-1)?.receipt.logs ?? [];
    const [event] = parseEventLogs({ abi: challengeBookAbi, eventName: "ChallengeOpened", logs });
    const id = event?.args.id ?? null;
    output.print(
      { number: Number(number), challenge: id, bond, transactions: sentJson(sent) },
      `challenge ${id ?? ""} of service ${number} is open`,
    );
    return undefined;
  },
});
