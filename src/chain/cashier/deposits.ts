import type { Address, Hex } from "viem";
import { hexToBytes } from "../../protocol/bytes.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { signTransfer } from "../../protocol/transferAuthorization.ts";
import { blockcloudDomain } from "../../protocol/typedData.ts";
import type { ChainClient } from "../client.ts";
import type { Deployment } from "../deployment.ts";
import { permitted } from "../permits.ts";
import type { Call } from "../transactions/call.ts";
import { contractsOf } from "../views/contracts.ts";

/** Validity of an authorization, seconds: the maximum time until it is mined. */
const AUTHORIZATION_SECONDS = 86_400n;

/** A deposit that needs an allowance of the sender. BLOC in wei. */
export function depositCall(deployment: Deployment, amount: bigint): Call {
  return { ...contractsOf(deployment).cashier, functionName: "deposit", args: [amount] };
}

/** A deposit for another account that needs an allowance of the sender. BLOC in wei. */
export function depositForCall(deployment: Deployment, payer: Address, amount: bigint): Call {
  return { ...contractsOf(deployment).cashier, functionName: "depositFor", args: [payer, amount] };
}

/**
 * A deposit in one transaction of the depositor: by its allowance if that suffices, else by a permit for exactly the
 * amount.
 *
 * @param input.key Private key of the account that deposits and sends.
 * @param input.amount BLOC in wei.
 */
export function permittedDeposit(
  client: ChainClient,
  deployment: Deployment,
  { key, amount }: { key: Hex; amount: bigint },
): Promise<Call> {
  const call = depositCall(deployment, amount);
  return permitted(client, deployment, { call, key, spender: call.address, amount });
}

/**
 * A deposit by an EIP-3009 authorization of the depositor. Anyone may send it and so pay the gas; it credits the
 * depositor.
 *
 * @param input.key Private key of the depositor.
 * @param input.amount BLOC in wei.
 * @param input.nonce 32 random bytes.
 */
export async function authorizedDeposit(
  client: ChainClient,
  deployment: Deployment,
  input: { key: Hex; amount: bigint; nonce: Hex },
): Promise<Call> {
  const { key, amount, nonce } = input;
  const { cashier, token } = deployment.contracts;
  const { timestamp } = await client.getBlock();
  const terms = {
    from: addressOfKey(key),
    to: cashier,
    value: amount,
    validAfter: 0n,
    validBefore: timestamp + AUTHORIZATION_SECONDS,
    nonce,
  };
  const domain = blockcloudDomain(BigInt(deployment.chainId), token);
  const signature = signTransfer(domain, "ReceiveWithAuthorization", terms, hexToBytes(key));
  const { from, value, validAfter, validBefore } = terms;
  return {
    ...contractsOf(deployment).cashier,
    functionName: "depositWithAuthorization",
    args: [from, value, validAfter, validBefore, nonce, signature],
  };
}
