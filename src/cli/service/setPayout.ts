import { zeroAddress } from "viem";
import * as z from "zod";
import { serviceRegistryAbi } from "../../protocol/abi/serviceRegistry.ts";
import { service, walletKey } from "../framework/commonFlags.ts";
import { text } from "../framework/flag.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { address } from "../framework/values.ts";
import { changeService } from "./change.ts";
import { serviceState } from "./state.ts";

/** `blockcloud service set-payout` */
export const serviceSetPayout = transactCommand({
  flags: {
    service,
    to: text("--to <address>", "receiver, or: owner", z.union([z.literal("owner"), address]), {
      required: true,
    }),
  },
  signer: walletKey,
  examples: [
    "blockcloud service set-payout --service 7 \\\n" +
      "--to 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --wallet-key-file wallet.key",
    "blockcloud service set-payout --service 7 --to owner --wallet-key-file wallet.key",
  ],
  async run(context) {
    const { flags, client, deployment } = context;
    const { owner } = await serviceState(client, deployment, flags.service);
    const receiver = flags.to === "owner" ? owner : flags.to;
    const present = await client.readContract({
      address: deployment.contracts.registry,
      abi: serviceRegistryAbi,
      functionName: "payoutOf",
      args: [flags.service],
    });
    return changeService(context, {
      number: flags.service,
      title: "set the receiver of the pay",
      already: present === receiver ? `${receiver} receives the pay` : undefined,
      name: "set payout",
      functionName: "setPayout",
      args: [flags.service, flags.to === "owner" ? zeroAddress : receiver],
      outcome: [`${receiver} receives the pay of all epochs that are not settled yet`],
      json: { payout: receiver },
    });
  },
});
