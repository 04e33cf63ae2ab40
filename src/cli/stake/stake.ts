import { formatEther } from "viem";
import { text } from "../framework/flag.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { sentJson } from "../framework/transactor.ts";
import { blocAmount } from "../framework/values.ts";
import { checkRole, readStake, roleFlags, roleKey } from "./role.ts";

/** `blockcloud stake` */
export const stake = transactCommand(
  {
    flags: roleFlags,
    args: { amount: text("<bloc>", "BLOC to add", blocAmount, { required: true }) },
    signer: roleKey,
    examples: [
      "blockcloud stake 500 --service 7 --wallet-key-file wallet.key",
      "blockcloud stake 5000 --auditor --owner-key-file owner.key",
    ],
    notes: `Counts two epochs from now. Staking does not enrol an auditor: blockcloud auditor init does.`,
    async run(context) {
      const { flags, args, deployment, transactor, output } = context;
      const { amount } = args;
      const stake = await readStake(flags, transactor.account, context);
      const after = stake.amount + amount;
      const enough = after >= stake.minimum;
      const { staking } = deployment.contracts;
      const sent = await transactor.carryOut({
        title: `stake for ${stake.name}`,
        steps: [await transactor.paying(stake.add(amount), staking, amount)],
        bloc: { staked: amount },
        outcome: [
          `${formatEther(after)} BLOC at stake two epochs from now` +
            (enough ? "" : `, below the minimum of ${formatEther(stake.minimum)}`),
        ],
      });
      output.print(
        { ...stake.json, staked: amount, stake: after, transactions: sentJson(sent) },
        `${stake.name}: ${formatEther(after)} BLOC at stake two epochs from now`,
      );
      return undefined;
    },
  },
  { check: checkRole },
);
