import { BlockcloudError } from "../../protocol/errors.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { sentJson } from "../framework/transactor.ts";
import { CHALLENGER_PERCENT, RESOLVER_PERCENT } from "../../protocol/challenge.ts";
import { amount } from "../show/format.ts";
import { bookStep, needOpenChallenge, payerKey, serviceArgument, stageText } from "./shared.ts";

/** `blockcloud challenge resolve` */
export const challengeResolve = transactCommand({
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
          ? [
              `up to ${amount(penalty)} BLOC are slashed, and the service is suspended`,
              `${RESOLVER_PERCENT}% of the slash are yours`,
            ]
          : []),
        `${challenger} gets the bond back${isLost ? ` and ${CHALLENGER_PERCENT}% of the slash` : ""}`,
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
