import { erc20Abi, type Address, type Hex } from "viem";
import { blocTokenAbi } from "../protocol/abi/blocToken.ts";
import { hexToBytes } from "../protocol/bytes.ts";
import { signPermit } from "../protocol/permit.ts";
import { addressOfKey } from "../protocol/signature.ts";
import { blockcloudDomain } from "../protocol/typedData.ts";
import type { ChainClient } from "./client.ts";
import type { Deployment } from "./deployment.ts";
import type { Call } from "./transactions/call.ts";

/** Validity of a permit, seconds: the maximum time until it is mined. */
const PERMIT_SECONDS = 86_400n;

/**
 * A call that takes BLOC in one transaction. If the spender's allowance is high enough, it is the call itself;
 * otherwise the function `<name>WithPermit` with a permit for exactly the amount.
 *
 * @param input.key Private key of the account that pays and sends.
 * @param input.spender The contract that takes the BLOC.
 * @param input.amount BLOC in wei.
 */
export async function permitted(
  client: ChainClient,
  deployment: Deployment,
  input: { call: Call; key: Hex; spender: Address; amount: bigint },
): Promise<Call> {
  const { call, key, spender, amount } = input;
  const owner = addressOfKey(key);
  const { token } = deployment.contracts;
  const allowed = await client.readContract({
    address: token,
    abi: erc20Abi,
    functionName: "allowance",
    args: [owner, spender],
  });
  if (allowed >= amount) return call;
  const [nonce, { timestamp }] = await Promise.all([
    client.readContract({
      address: token,
      abi: blocTokenAbi,
      functionName: "nonces",
      args: [owner],
    }),
    client.getBlock(),
  ]);
  const domain = blockcloudDomain(BigInt(deployment.chainId), token);
  const deadline = timestamp + PERMIT_SECONDS;
  const terms = { owner, spender, value: amount, nonce, deadline };
  const permit = signPermit(domain, terms, hexToBytes(key));
  return { ...call, functionName: `${call.functionName}WithPermit`, args: [...call.args, permit] };
}
