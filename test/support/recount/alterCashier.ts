/** Payment for use that is wrong in one place, to show that a recount finds it. */
import {
  decodeFunctionData,
  encodeAbiParameters,
  encodeEventTopics,
  encodeFunctionData,
  isAddressEqual,
  parseAbiParameters,
  decodeAbiParameters,
  type Address,
  type Hex,
} from "viem";
import { abis } from "./calls.ts";
import { questionName } from "./figures.ts";
import type { RecountInput } from "./recount.ts";

const abi = abis.cashier;

/** Lets the first voucher that was redeemed by itself say one wei less. */
export function alterVoucher(input: RecountInput): { input: RecountInput; tab: Hex } {
  const { record } = input;
  const blocks = structuredClone(record.blocks);
  for (const transaction of blocks.flatMap(({ transactions }) => transactions)) {
    const { to, succeeded, input: data } = transaction;
    if (to === null || !succeeded || !isAddressEqual(to, record.contracts.cashier)) continue;
    const { functionName, args } = decodeFunctionData({ abi, data });
    if (functionName !== "redeem") continue;
    const item = args[0];
    const voucher = { ...item.voucher, cumulative: item.voucher.cumulative - 1n };
    const altered = encodeFunctionData({ abi, functionName, args: [{ ...item, voucher }] });
    Object.assign(transaction, { input: altered });
    return { input: { ...input, record: { ...record, blocks } }, tab: voucher.tab };
  }
  throw new Error("no voucher was redeemed by itself");
}

/** Says that a payer can withdraw one wei more. */
export function alterAccount(input: RecountInput, payer: Address): RecountInput {
  const question = { contract: "cashier", functionName: "accountOf", args: [payer] } as const;
  const name = questionName(question);
  const [balance, reserved, free] = input.answers.get(name) as readonly bigint[];
  const answers = new Map([...input.answers, [name, [balance, reserved, free! + 1n]]]);
  return { ...input, answers };
}

/** Lets the first collection say that it took one wei more as the fee. */
export function alterFee(input: RecountInput): RecountInput {
  const { record } = input;
  const [topic] = encodeEventTopics({ abi, eventName: "Collected" });
  const blocks = structuredClone(record.blocks);
  const collected = blocks
    .flatMap(({ transactions }) => transactions)
    .flatMap(({ logs }) => logs)
    .find(({ topics }) => topics[0] === topic);
  const fields = parseAbiParameters("uint256 paid, uint256 fee");
  const [paid, fee] = decodeAbiParameters(fields, collected!.data);
  Object.assign(collected!, { data: encodeAbiParameters(fields, [paid, fee + 1n]) });
  return { ...input, record: { ...record, blocks } };
}
