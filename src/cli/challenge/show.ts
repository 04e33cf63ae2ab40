import { Challenges } from "../../chain/challenges.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { amount, facts, utc } from "../show/format.ts";
import { challengeJson, readOpenChallenge, serviceArgument, stageText } from "./shared.ts";

/** `blockcloud challenge show` */
export const challengeShow = chainCommand({
  args: serviceArgument,
  flags: {},
  examples: ["blockcloud challenge show 7", "blockcloud challenge show weather --json"],
  async run({ args, client, deployment, output }) {
    const { number, open } = await readOpenChallenge(client, deployment, args.name);
    if (open === undefined) {
      const quietUntil = await new Challenges(client, deployment).quietUntil(number);
      const quiet = quietUntil === 0 ? "" : `; none can be opened before ${utc(quietUntil)}`;
      output.print(
        { number: Number(number), challenge: null, quietUntil },
        `service ${number} has no open challenge${quiet}`,
      );
      return undefined;
    }
    const { challenge, question } = open;
    output.print(
      { number: Number(number), challenge: challengeJson(open) },
      [
        `challenge ${challenge.id} of service ${number}: ${stageText(open, deployment)}`,
        facts([
          ["challenger", challenge.challenger],
          ["opened in", `epoch ${challenge.openedIn}`],
          ["key", challenge.key],
          ["costs", `${amount(challenge.penalty)} BLOC of the stake without an answer`],
          ["question", question?.nonce],
        ]),
      ].join("\n"),
    );
    return undefined;
  },
});
