import { isHex, type Address, type Hex } from "viem";
import { bytesToHex } from "../../../../src/protocol/bytes.ts";
import { BlockcloudError } from "../../../../src/protocol/errors.ts";
import { labelCommitment } from "../../../../src/protocol/label.ts";
import { contractsOf } from "../../chain/contracts.ts";
import type { Act, ActContext } from "../act.ts";
import { refusalOf } from "../refusal.ts";
import { bloc, labelOf, serviceOf } from "../values.ts";
import { service } from "./fields.ts";

/**
 * A label needs two transactions, so that a watcher of pending transactions cannot take it first: the act reserves the
 * label, and takes it when it is sent again.
 */
export const label: Act = {
  id: "label",
  group: "Service",
  title: "Take a label",
  about:
    "Two transactions: the first reserves the label without showing it, the second takes it for ever. Send the act twice.",
  fields: [
    service,
    {
      name: "label",
      label: "Label",
      kind: "text",
      hint: "1 to 63 of a-z, 0-9 and hyphens.",
      required: true,
    },
  ],
  async plan(values, context) {
    const number = serviceOf(values);
    const wanted = labelOf(values, "label");
    const { client, deployment, account, salts } = context;
    const { labels } = contractsOf(deployment);
    const [held, holder, price] = await Promise.all([
      client.readContract({ ...labels, functionName: "labelOf", args: [number] }),
      client.readContract({ ...labels, functionName: "holderOf", args: [wanted] }),
      client.readContract({ ...labels, functionName: "priceOf", args: [BigInt(wanted.length)] }),
    ]);
    if (held !== "") throw taken(`Service ${number} has a label already, and keeps it for ever.`);
    if (holder !== 0n) throw taken(`Service ${holder} has the label ${wanted}.`);
    const name = saltName(context, wanted);
    const known = salts.read(name);
    const salt = known !== undefined && isSalt(known) ? known : newSalt();
    const state = await standing(context, number, wanted, salt);
    if (state === "none") {
      // The salt must be there before the transaction that depends on it is.
      salts.write(name, salt);
      const args = [labelCommitment(wanted, account, salt)];
      return {
        title: `reserve the label ${wanted}`,
        call: { contract: "labels", functionName: "commitLabel", args },
        outcome: [
          `then send the act again to take the label, for ${bloc(price)}`,
          "this browser keeps the secret that the second transaction needs",
        ],
      };
    }
    return {
      title: `take the label ${wanted} for service ${number}`,
      call: { contract: "labels", functionName: "setLabel", args: [number, wanted, salt] },
      takes: price,
      moves: { burned: price },
      outcome: [`${wanted}.bloc.alt is service ${number} for ever`],
      done() {
        salts.remove(name);
      },
    };
  },
};

/** Whether the commitment of a salt stands. */
async function standing(
  { client, deployment, account }: ActContext,
  number: bigint,
  wanted: string,
  salt: Hex,
): Promise<"none" | "stands"> {
  const { labels } = contractsOf(deployment);
  try {
    const args = [number, wanted, salt] as const;
    await client.simulateContract({ ...labels, functionName: "setLabel", args, account });
    return "stands";
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal?.name === "LabelNotCommitted") return "none";
    if (refusal?.name !== "LabelAge") return "stands";
    const [, , notAfter] = refusal.args as readonly [Hex, bigint, bigint];
    const { timestamp } = await client.getBlock();
    return timestamp > notAfter ? "none" : "stands";
  }
}

function saltName({ deployment, account }: ActContext, wanted: string): string {
  return [deployment.chainId, deployment.contracts.labels, account satisfies Address, wanted].join(
    "/",
  );
}

function newSalt(): Hex {
  return bytesToHex(crypto.getRandomValues(new Uint8Array(32)));
}

function isSalt(value: string): value is Hex {
  return isHex(value) && value.length === 66;
}

function taken(message: string): BlockcloudError {
  return new BlockcloudError("LABEL_TAKEN", message, { remedy: "Choose another label." });
}
