import { formatEther } from "viem";
import { service, walletKey } from "../framework/commonFlags.ts";
import { text } from "../framework/flag.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { address } from "../framework/values.ts";
import { changeService } from "./change.ts";
import { serviceState, settlement } from "./state.ts";

/** `blockcloud service transfer` */
export const serviceTransfer = transactCommand({
  flags: {
    service,
    to: text("--to <address>", "the new owner", address, { required: true }),
  },
  signer: walletKey,
  examples: [
    "blockcloud service transfer --service 7 \\\n" +
      "--to 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --wallet-key-file wallet.key",
  ],
  notes: `The command first settles the pay of final epochs to the old receiver; pay that becomes final later goes to
the new owner. The service is active again when the new owner has set a key and staked. The label stays.`,
  async run(context) {
    const { flags, client, deployment, transactor } = context;
    const { owner, staker, stake, status, epoch } = await serviceState(
      client,
      deployment,
      flags.service,
    );
    const done = owner === flags.to;
    const owed = done ? undefined : await settlement(client, deployment, flags.service, epoch);
    return changeService(context, {
      number: flags.service,
      title: `transfer service ${flags.service} to ${flags.to}`,
      already: done ? `${owner} owns the service` : undefined,
      before: owed === undefined ? [] : [owed.step],
      name: `transfer to ${flags.to}`,
      functionName: "safeTransferFrom",
      args: [transactor.account, flags.to, flags.service],
      bloc: { unbonding: stake, received: owed?.reward ?? 0n },
      outcome: [
        ...(stake === 0n
          ? ["nothing is at stake"]
          : [
              `${formatEther(stake)} BLOC of stake unbond to ${staker ?? owner}: withdraw them later`,
            ]),
        status === "Retired"
          ? "the service stays Retired"
          : "two epochs from now the service is inactive: the new owner sets a key and stakes",
        `pay that is not settled yet goes to ${flags.to}`,
      ],
      json: { to: flags.to },
    });
  },
});
