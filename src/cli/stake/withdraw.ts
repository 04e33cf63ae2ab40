import { formatEther } from "viem";
import { BlockcloudError } from "../../protocol/errors.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { sentJson } from "../framework/transactor.ts";
import { duration } from "../framework/wait.ts";
import { checkRole, readStake, roleFlags, roleKey } from "./role.ts";

/** `blockcloud withdraw` */
export const withdraw = transactCommand(
  {
    flags: roleFlags,
    signer: roleKey,
    examples: [
      "blockcloud withdraw --service 7 --wallet-key-file wallet.key",
      "blockcloud withdraw --auditor --owner-key-file owner.key",
    ],
    async run(context) {
      const { flags, client, transactor, output } = context;
      const stake = await readStake(flags, transactor.account, context);
      const { timestamp } = await client.getBlock();
      const matured = stake.unbonding.filter(({ releaseAt }) => releaseAt <= timestamp);
      const waiting = stake.unbonding.find(({ releaseAt }) => releaseAt > timestamp);
      if (matured.length === 0) {
        throw new BlockcloudError("NOTHING_MATURED", `${stake.name} has nothing to withdraw.`, {
          remedy:
            waiting === undefined
              ? "No stake is unbonding: start with blockcloud unstake."
              : `${formatEther(waiting.amount)} BLOC can be withdrawn in ${duration(Number(waiting.releaseAt - timestamp))}.`,
        });
      }
      const amount = matured.reduce((sum, entry) => sum + entry.amount, 0n);
      const sent = await transactor.carryOut({
        title: `withdraw the stake of ${stake.name}`,
        steps: [stake.withdraw()],
        bloc: { received: amount },
        outcome: [`${transactor.account} receives ${formatEther(amount)} BLOC`],
      });
      output.print(
        { ...stake.json, withdrawn: amount, transactions: sentJson(sent) },
        `${stake.name}: ${formatEther(amount)} BLOC withdrawn to ${transactor.account}`,
      );
      return undefined;
    },
  },
  { check: checkRole },
);
