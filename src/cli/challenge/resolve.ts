import { BlockcloudError } from "../../protocol/errors.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { sentJson } from "../framework/transactor.ts";
import { amount } from "../show/format.ts";
import { bookStep, needOpenChallenge, payerKey, serviceArgument, stageText } from "./shared.ts";

/** `blockcloud challenge resolve` */
export const challengeResolve = transactCommand({
  name: "resolve",
  about: "Close a challenge that was not answered in time, or that never got its question.",
  args: serviceArgument,
  flags: {},
  signer: payerKey,
  examples: ["blockcloud challenge resolve 7 --wallet-key-file wallet.key"],
  async run({ args, client, deployment, transactor, output }) {
    const open = await needOpenChallenge(client, deployment, args.name);
    const { challenge, number, stage } = open;
    const { id, challenger, penalty } = challenge;
    if (stage === "waiting" || stage === "running") {
      throw new BlockcloudError(
        "CHALLENGE_RUNNING",
        `Challenge ${id} cannot be closed yet: ${stageText(open, deployment)}.`,
        { remedy: "Wait until then." },
      );
    }
    const isLost = stage === "unanswered";
    const sent = await transactor.carryOut({
      title: `close challenge ${id} of service ${number}`,
      steps: [
        bookStep(
          deployment.contracts.challengeBook,
          isLost ? "resolve" : "annul",
          isLost ? "resolve" : "annul",
          [id],
        ),
      ],
      outcome: [
        ...(isLost
          ? [`up to ${amount(penalty)} BLOC are slashed, and the service is suspended`]
          : []),
        `${challenger} gets the bond back${isLost ? ", and half of the slash" : ""}`,
      ],
    });
    const state = isLost ? "Unanswered" : "Annulled";
    output.print(
      { number: Number(number), challenge: id, state, transactions: sentJson(sent) },
      `challenge ${id} of service ${number} is closed: ${state}`,
    );
    return undefined;
  },
});
