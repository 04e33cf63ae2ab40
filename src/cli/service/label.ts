import type { Address, Hex } from "viem";
import * as z from "zod";
import type { ChainClient } from "../../chain/client.ts";
import { describeRevert } from "../../chain/transactions/revert.ts";
import { serviceLabelsAbi } from "../../protocol/abi/serviceLabels.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { isLabel, labelCommitment } from "../../protocol/label.ts";
import { service, state, walletKey } from "../framework/commonFlags.ts";
import { text } from "../framework/flag.ts";
import type { Step } from "../framework/plan.ts";
import { revertOf, withRemedy } from "../framework/remedies.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { sentJson } from "../framework/transactor.ts";
import { untilChainTime } from "../framework/wait.ts";
import { LabelSalt } from "./labelSalt.ts";

const labelValue = z
  .string()
  .refine(isLabel, "Give 1 to 63 of a-z, 0-9 and hyphens, none first or last; not: id.");

/** `blockcloud service label` */
export const serviceLabel = transactCommand({
  flags: {
    service,
    label: text("--label <label>", "the label", labelValue, { required: true }),
    state,
  },
  signer: walletKey,
  examples: ["blockcloud service label --service 7 --label weather --wallet-key-file wallet.key"],
  notes: `The service must be active in the current epoch. The price falls with the label's length. The first transaction
reserves the label without showing it, so a watcher of pending transactions cannot take it first. The command may be
stopped and run again; the state folder keeps the salt.`,
  async run({ flags, io, client, deployment, transactor, output, progress, signal }) {
    const { service: number, label } = flags;
    const owner = transactor.account;
    const { labels: address } = deployment.contracts;
    const labels = { address, abi: serviceLabelsAbi } as const;
    const salt = new LabelSalt(flags.state, deployment, owner, label);
    const [held, holder, price] = await Promise.all([
      client.readContract({ ...labels, functionName: "labelOf", args: [number] }),
      client.readContract({ ...labels, functionName: "holderOf", args: [label] }),
      client.readContract({ ...labels, functionName: "priceOf", args: [BigInt(label.length)] }),
    ]);
    if (held === label) {
      salt.forget();
      output.print(
        { number: Number(number), label, already: true },
        `nothing to do: service ${number} has the label ${label}`,
      );
      return undefined;
    }
    // Otherwise these errors would appear only after the commitment was paid.
    if (held !== "")
      throw refused(`Service ${number} has the label ${held} already, and keeps it for ever.`);
    if (holder !== 0n) throw refused(`Service ${holder} has the label ${label}.`);

    const secret = flags.dryRun && !salt.exists ? (`0x${"00".repeat(32)}` as const) : salt.take();
    const standing = await commitmentOf(client, address, { number, label, secret, owner });
    const [minimumAge, head] = await Promise.all([
      client.readContract({ ...labels, functionName: "minimumAge" }),
      client.getBlock(),
    ]);
    let notBefore = standing === "none" ? undefined : standing;
    const commit: Step = {
      name: "commit to the label",
      call: {
        ...labels,
        functionName: "commitLabel",
        args: [labelCommitment(label, owner, secret)],
      },
    };
    const take: Step = {
      name: `take the label ${label}`,
      call: { ...labels, functionName: "setLabel", args: [number, label, secret] },
      ...((notBefore === undefined || notBefore > head.timestamp) && { roughGas: 190_000n }),
      async ready() {
        // The preceding step made the commitment; its block decides when it can be used.
        notBefore ??= (await client.getBlock()).timestamp + minimumAge;
        await untilChainTime(Number(notBefore), "until the label can be taken", {
          client,
          timers: io.timers,
          progress,
          signal,
        });
      },
    };
    const paid = await transactor.paying(take, address, price);
    const sent = await transactor.carryOut({
      title: `take the label ${label} for service ${number}`,
      steps: standing === "none" ? [commit, paid] : [paid],
      bloc: { burned: price },
      outcome: [`the label belongs to service ${number} for ever`],
    });
    salt.forget();
    output.print(
      { number: Number(number), label, already: false, transactions: sentJson(sent) },
      `service ${number} has the label ${label}`,
    );
    return undefined;
  },
});

/** The time from which a commitment can be used, Unix seconds; `none` if there is no commitment. */
async function commitmentOf(
  client: ChainClient,
  labels: Address,
  input: { number: bigint; label: string; secret: Hex; owner: Hex },
): Promise<bigint | "none"> {
  const { number, label, secret, owner } = input;
  try {
    await client.simulateContract({
      address: labels,
      abi: serviceLabelsAbi,
      functionName: "setLabel",
      args: [number, label, secret],
      account: owner,
    });
    return 0n;
  } catch (cause) {
    const revert = revertOf(cause);
    if (revert?.name === "LabelNotCommitted") return "none";
    // The BLOC is taken last, so the commitment has the right age; the permit comes with the call.
    if (revert?.name.startsWith("ERC20Insufficient") === true) return 0n;
    if (revert?.name === "LabelAge") {
      const [, notBefore, notAfter] = revert.args as readonly [Hex, bigint, bigint];
      const { timestamp } = await client.getBlock();
      return timestamp > notAfter ? "none" : notBefore;
    }
    throw withRemedy(describeRevert("setLabel", cause));
  }
}

function refused(message: string): BlockcloudError {
  return new BlockcloudError("LABEL_TAKEN", message, { remedy: "Choose another label." });
}
