import { formatEther } from "viem";
import * as z from "zod";
import { text } from "../framework/flag.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { sentJson } from "../framework/transactor.ts";
import { blocAmount } from "../framework/values.ts";
import { duration } from "../framework/wait.ts";
import { checkRole, readStake, roleFlags, roleKey, unbondingSeconds } from "./role.ts";

/** `blockcloud unstake` */
export const unstake = transactCommand(
  {
    flags: roleFlags,
    args: {
      amount: text(
        "<bloc>",
        "BLOC to unstake, or: all",
        z.union([z.literal("all"), blocAmount], "Give an amount of BLOC, or: all."),
        { required: true },
      ),
    },
    signer: roleKey,
    examples: [
      "blockcloud unstake 500 --service 7 --wallet-key-file wallet.key",
      "blockcloud unstake all --auditor --owner-key-file owner.key",
    ],
    notes: `Counts two epochs from now. During the unbonding time the stake can still be slashed; then blockcloud
withdraw pays it out. blockcloud exit does all of this, and claims the remaining pay.`,
    async run(context) {
      const { flags, args, client, deployment, transactor, output } = context;
      const stake = await readStake(flags, transactor.account, context);
      const amount = args.amount === "all" ? stake.amount : args.amount;
      if (args.amount === "all" && amount === 0n) {
        output.print({ ...stake.json, already: true }, `nothing to do: nothing is at stake`);
        return undefined;
      }
      const seconds = await unbondingSeconds(client, deployment);
      const after = stake.amount - amount;
      const out = after < stake.minimum ? ", below the minimum: it does not count" : "";
      const sent = await transactor.carryOut({
        title: `unstake from ${stake.name}`,
        steps: [stake.remove(amount)],
        bloc: { unbonding: amount },
        outcome: [
          `${formatEther(after)} BLOC at stake two epochs from now${out}`,
          `${formatEther(amount)} BLOC can be withdrawn in ${duration(seconds)}`,
        ],
      });
      output.print(
        {
          ...stake.json,
          unbonding: amount,
          stake: after,
          unbondingSeconds: seconds,
          transactions: sentJson(sent),
        },
        `${stake.name}: ${formatEther(amount)} BLOC can be withdrawn in ${duration(seconds)}`,
      );
      return undefined;
    },
  },
  { check: checkRole },
);
