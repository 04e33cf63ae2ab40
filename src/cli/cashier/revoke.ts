import { cashierCalls } from "../../chain/cashier/calls.ts";
import { text } from "../framework/flag.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { sentJson } from "../framework/transactor.ts";
import { address } from "../framework/values.ts";
import { payerKey } from "./flags.ts";

/** `blockcloud cashier revoke` */
export const cashierRevoke = transactCommand({
  args: { signer: text("<address>", "address of the session key", address, { required: true }) },
  flags: {},
  signer: payerKey,
  examples: [
    "blockcloud cashier revoke 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 \\\n" +
      "--payer-key-file payer.key",
  ],
  notes: `The key opens no more tabs, at once. The tabs that it has opened go on until they end: close them with
blockcloud cashier close.`,
  async run({ args, deployment, transactor, output }) {
    const { signer } = args;
    const sent = await transactor.carryOut({
      title: "revoke a session key",
      steps: [{ name: `revoke ${signer}`, call: cashierCalls(deployment).revokeSigner(signer) }],
      outcome: [`${signer} opens no more tabs of ${transactor.account}`],
    });
    output.print(
      { payer: transactor.account, signer, transactions: sentJson(sent) },
      `${signer} opens no more tabs of ${transactor.account}`,
    );
    return undefined;
  },
});
