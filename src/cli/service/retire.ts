import { formatEther } from "viem";
import { service, walletKey } from "../framework/commonFlags.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { changeService } from "./change.ts";
import { serviceState } from "./state.ts";

/** `blockcloud service retire` */
export const serviceRetire = transactCommand({
  flags: { service },
  signer: walletKey,
  examples: ["blockcloud service retire --service 7 --wallet-key-file wallet.key"],
  notes: `This cannot be undone: number and label are never given out again. blockcloud exit then settles the last pay
and withdraws the stake.`,
  async run(context) {
    const { flags, client, deployment } = context;
    const { status, stake, staker, owner } = await serviceState(client, deployment, flags.service);
    return changeService(context, {
      number: flags.service,
      title: `retire service ${flags.service} for ever`,
      already: status === "Retired" ? "the service is retired" : undefined,
      name: "retire",
      functionName: "retire",
      args: [flags.service],
      bloc: { unbonding: stake },
      outcome: [
        "the service is retired two epochs from now, for ever",
        ...(stake === 0n
          ? []
          : [`${formatEther(stake)} BLOC unbond to ${staker ?? owner}: withdraw them later`]),
      ],
    });
  },
});
