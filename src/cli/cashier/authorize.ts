import { formatEther } from "viem";
import { cashierCalls } from "../../chain/cashier/calls.ts";
import { Cashier } from "../../chain/cashier/cashier.ts";
import { text } from "../framework/flag.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { sentJson } from "../framework/transactor.ts";
import { address, blocAmount, duration } from "../framework/values.ts";
import { utc } from "../show/format.ts";
import { payerKey } from "./flags.ts";

/** `blockcloud cashier authorize` */
export const cashierAuthorize = transactCommand({
  args: { signer: text("<address>", "address of the session key", address, { required: true }) },
  flags: {
    limit: text("--limit <bloc>", "sum of the limits of the tabs that it may open", blocAmount, {
      required: true,
    }),
    for: text("--for <time>", "how long it may open tabs", duration, { default: "30d" }),
  },
  signer: payerKey,
  examples: [
    "blockcloud cashier authorize 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --limit 20 --for 7d \\\n" +
      "--payer-key-file payer.key",
  ],
  notes: `A session key pays from the account without the payer's own key, up to the limit, which replaces what is left
of an earlier one. Give fetch, connect and proxy its file as --payer-key-file, and the account as
--payer.`,
  async run({ args, flags, client, deployment, transactor, output }) {
    const payer = transactor.account;
    const { signer } = args;
    const { timestamp } = await client.getBlock();
    const expiresAt = Number(timestamp) + Math.floor(flags.for / 1000);
    const call = cashierCalls(deployment).authorizeSigner({
      signer,
      limit: flags.limit,
      expiresAt,
    });
    const limit = formatEther(flags.limit);
    const sent = await transactor.carryOut({
      title: "authorize a session key",
      steps: [{ name: `authorize ${signer}`, call }],
      outcome: [`${signer} may open tabs for ${limit} BLOC in all until ${utc(expiresAt)}`],
    });
    const { left } = await new Cashier(client, deployment).signerOf(payer, signer);
    output.print(
      { payer, signer, left, expiresAt, transactions: sentJson(sent) },
      `${signer} may open tabs of ${payer} for ${formatEther(left)} BLOC until ${utc(expiresAt)}`,
    );
    return undefined;
  },
});
