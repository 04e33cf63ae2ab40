import { hexToBytes } from "../../protocol/bytes.ts";
import { livenessProof } from "../../protocol/challenge.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { blockcloudDomain } from "../../protocol/typedData.ts";
import { previousServiceKeys, serviceKey } from "../framework/commonFlags.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { sentJson } from "../framework/transactor.ts";
import { bookStep, needOpenChallenge, payerKey, serviceArgument, stageText } from "./shared.ts";

/** `blockcloud challenge answer` */
export const challengeAnswer = transactCommand({
  args: serviceArgument,
  flags: { serviceKey, previousServiceKeys },
  signer: payerKey,
  examples: [
    "blockcloud challenge answer 7 --service-key-file service.key --wallet-key-file wallet.key",
  ],
  notes: "A running provider answers by itself. Use this command if it cannot.",
  async run({ args, flags, client, deployment, transactor, output }) {
    const open = await needOpenChallenge(client, deployment, args.name);
    const { challenge, question, number } = open;
    if (question === undefined || open.stage !== "running") {
      throw new BlockcloudError(
        "CHALLENGE_NOT_RUNNING",
        `Challenge ${challenge.id} cannot be answered: ${stageText(open, deployment)}.`,
        { remedy: "Answer between its question and its deadline." },
      );
    }
    const keys = [flags.serviceKey, ...flags.previousServiceKeys];
    const key = keys.find((candidate) => addressOfKey(candidate) === challenge.key);
    if (key === undefined) {
      throw new BlockcloudError("CHALLENGE_KEY", `The challenge froze the key ${challenge.key}.`, {
        remedy: "Give the file of that key with --service-key-file or --previous-service-key-file.",
      });
    }
    const { chainId, contracts } = deployment;
    const domain = blockcloudDomain(BigInt(chainId), contracts.registry);
    const proof = livenessProof(domain, challenge.id, question.nonce, hexToBytes(key));
    const { id } = challenge;
    const sent = await transactor.carryOut({
      title: `answer challenge ${id} of service ${number}`,
      steps: [bookStep(contracts.challengeBook, "answer", "respond", [id, proof])],
      outcome: ["the bond goes to the service's payout address"],
    });
    output.print(
      { number: Number(number), challenge: id, transactions: sentJson(sent) },
      `challenge ${id} of service ${number} is answered`,
    );
    return undefined;
  },
});
