import { randomBytes } from "node:crypto";
import { erc20Abi, formatEther } from "viem";
import { Cashier } from "../../chain/cashier/cashier.ts";
import { authorizedDeposit, depositCall, depositForCall } from "../../chain/cashier/deposits.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { text } from "../framework/flag.ts";
import type { Step } from "../framework/plan.ts";
import { transactCommand, type TransactContext } from "../framework/transactCommand.ts";
import { sentJson } from "../framework/transactor.ts";
import { address, blocAmount } from "../framework/values.ts";
import { gasKey, payerKey } from "./flags.ts";

/** Of a first deposit by allowance, rounded up. */
const DEPOSIT_GAS = 75_000n;

const flags = {
  payerKey,
  for: text("--for <address>", "the account to credit (default: the payer's own)", address, {}),
  gasKey,
};
const args = { amount: text("<bloc>", "BLOC to deposit", blocAmount, { required: true }) };

/** `blockcloud cashier deposit` */
export const cashierDeposit = transactCommand(
  {
    args,
    flags,
    signer: (values) => values.gasKey ?? values.payerKey,
    examples: [
      "blockcloud cashier deposit 100 --payer-key-file payer.key",
      "blockcloud cashier deposit 100 --payer-key-file payer.key --gas-key-file wallet.key",
      "blockcloud cashier deposit 5 --for 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 \\\n" +
        "--payer-key-file payer.key",
    ],
    notes: `One transaction each time: running it again deposits again. An account pays any number of services; what no
tab reserves can be withdrawn at once. With --gas-key-file the payer needs no ether: it signs an authorization
(EIP-3009), which credits the payer only.`,
    async run(context) {
      const { client, deployment, transactor, output } = context;
      const { amount } = context.args;
      if (amount === 0n) {
        throw new BlockcloudError("AMOUNT_ZERO", "A deposit of 0 BLOC is refused.", {
          remedy: "Give an amount above 0.",
        });
      }
      const payer = addressOfKey(context.flags.payerKey);
      const credited = context.flags.for ?? payer;
      const sponsored = context.flags.gasKey !== undefined;
      const sent = await transactor.carryOut({
        title: `deposit ${formatEther(amount)} BLOC at the Cashier`,
        steps: sponsored ? [await authorized(context)] : await allowed(context),
        // A sponsor pays gas only; the BLOC is the payer's, and was checked.
        bloc: sponsored ? {} : { deposited: amount },
        outcome: [`${credited} can pay ${formatEther(amount)} BLOC more`],
      });
      const account = await new Cashier(client, deployment).accountOf(credited);
      output.print(
        { payer: credited, deposited: amount, ...account, transactions: sentJson(sent) },
        `${credited} has ${formatEther(account.free)} BLOC free at the Cashier`,
      );
      return undefined;
    },
  },
  {
    check: ({ found }, _, problems) => {
      if (found.for === undefined || found.gasKey === undefined) return;
      problems.add(`${found.for.source}, ${found.gasKey.source}: give one of the two.`);
    },
  },
);

type Context = TransactContext<typeof flags, typeof args>;

/** By the allowance or a permit; for another account there is no permit, so an approval goes before. */
async function allowed({ flags: given, args: { amount }, ...context }: Context): Promise<Step[]> {
  const { client, deployment, transactor } = context;
  const { token, cashier } = deployment.contracts;
  if (given.for === undefined || given.for === transactor.account) {
    const step = { name: "deposit", call: depositCall(deployment, amount) };
    return [await transactor.paying(step, cashier, amount)];
  }
  const abi = erc20Abi;
  const allowance = await client.readContract({
    ...{ address: token, abi, functionName: "allowance" },
    args: [transactor.account, cashier],
  });
  const approve = { address: token, abi, functionName: "approve", args: [cashier, amount] };
  const name = `approve ${formatEther(amount)} BLOC for the Cashier`;
  const call = depositForCall(deployment, given.for, amount);
  return [
    ...(allowance < amount ? [{ name, call: approve }] : []),
    { name: `deposit for ${given.for}`, call, roughGas: DEPOSIT_GAS },
  ];
}

async function authorized({ flags: given, args: { amount }, ...context }: Context): Promise<Step> {
  const { client, deployment } = context;
  const payer = addressOfKey(given.payerKey);
  const bloc = await client.readContract({
    address: deployment.contracts.token,
    abi: erc20Abi,
    functionName: "balanceOf",
    args: [payer],
  });
  if (bloc < amount) {
    const has = `${payer} has ${formatEther(bloc)} BLOC of ${formatEther(amount)}.`;
    throw new BlockcloudError("BALANCE_TOO_LOW", has, {
      remedy: "Send the missing amount to it, and run again.",
    });
  }
  const nonce = bytesToHex(randomBytes(32));
  const input = { key: given.payerKey, amount, nonce };
  return {
    name: `deposit by an authorization of ${payer}`,
    call: await authorizedDeposit(client, deployment, input),
  };
}
