/** Prepares, signs and sends the one transaction of an act. */
import {
  encodeFunctionData,
  formatEther,
  hexToBytes,
  isAddressEqual,
  numberToHex,
  type Address,
  type Hex,
} from "viem";
import { getTransactionCount } from "viem/actions";
import { abis } from "../../../src/protocol/abis.ts";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { permitOf, permitTypes, type PermitTerms } from "../../../src/protocol/permit.ts";
import { blockcloudDomain } from "../../../src/protocol/typedData.ts";
import { contractsOf } from "../chain/contracts.ts";
import type { ActContext, Plan, ResolvedCall, Values, Act } from "./act.ts";
import { pendingKey, type Pendings } from "./pending.ts";
import { describeRefusal, refusalOf } from "./refusal.ts";
import { bloc } from "./values.ts";
import {
  checkWalletChain,
  firstAccount,
  isNotSent,
  walletError,
  type Provider,
} from "./wallet/provider.ts";

/** Validity of a permit, seconds: the longest time until it is mined. */
const PERMIT_SECONDS = 86_400n;
/** Highest gas of a transaction (EIP-7825). */
const MAX_GAS = 16_777_216n;
/** Reserve above a tenth of the estimate: the first call of an epoch writes more. */
const GAS_ROOM = 100_000n;

/** What an act costs; wei. */
export interface Cost {
  gas: bigint;
  /** At the present price. */
  expected: bigint;
  /** At twice the present base fee, with the whole gas limit. */
  atMost: bigint;
}

/** An act whose transaction is ready, or waits for a permit. */
export interface Prepared {
  readonly act: Act;
  readonly values: Values;
  readonly plan: Plan;
  readonly call: ResolvedCall;
  /** The BLOC that a permit must allow; undefined if none is needed. */
  readonly permit: { spender: Address; amount: bigint } | undefined;
  /** Undefined until the permit is signed: the call cannot be tried without it. */
  readonly cost: Cost | undefined;
}

/** @throws BlockcloudError for a wrong value or state, `BALANCE_TOO_LOW`, `CALL_REVERTED` with the contract's error. */
export async function prepare(act: Act, values: Values, context: ActContext): Promise<Prepared> {
  const plan = await tried(act.title, () => act.plan(values, context));
  const call = resolve(plan, context);
  const { takes } = plan;
  const permit = takes === undefined ? undefined : await permitNeeded(context, call.address, takes);
  const base = { act, values, plan, call, permit };
  if (permit === undefined) return { ...base, cost: await costOf(context, call) };
  try {
    await costOf(context, call);
  } catch (error) {
    // The contracts take BLOC last: without a permit this is the only reason left, unless the act is refused anyway.
    const cause = error instanceof BlockcloudError ? error.cause : error;
    if (refusalOf(cause)?.name !== "ERC20InsufficientAllowance") throw error;
  }
  return { ...base, cost: undefined };
}

/** Lets the wallet sign the permit, which costs nothing, and puts it into the transaction. */
export async function signPermit(
  prepared: Prepared,
  provider: Provider,
  context: ActContext,
): Promise<Prepared> {
  const { permit, call } = prepared;
  if (permit === undefined) return prepared;
  const { client, deployment, account } = context;
  await checkWalletChain(provider, deployment.chainId);
  const { token } = contractsOf(deployment);
  const [nonce, { timestamp }] = await Promise.all([
    client.readContract({ ...token, functionName: "nonces", args: [account] }),
    client.getBlock(),
  ]);
  const { spender, amount: value } = permit;
  const terms: PermitTerms = {
    owner: account,
    spender,
    value,
    nonce,
    deadline: timestamp + PERMIT_SECONDS,
  };
  const signature = await signed(provider, account, deployment, terms);
  const functionName = `${call.functionName}WithPermit`;
  const withPermit = { ...call, functionName, args: [...call.args, permitOf(terms, signature)] };
  const cost = await costOf(context, withPermit);
  return { ...prepared, call: withPermit, permit: undefined, cost };
}

async function signed(
  provider: Provider,
  account: Address,
  { chainId, contracts }: ActContext["deployment"],
  terms: PermitTerms,
): Promise<Uint8Array> {
  const { name, version, verifyingContract } = blockcloudDomain(BigInt(chainId), contracts.token);
  const data = {
    domain: { name, version, chainId, verifyingContract },
    types: { ...permitTypes, EIP712Domain: domainType },
    primaryType: "Permit",
    message: terms,
  };
  const json = JSON.stringify(data, (_, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  );
  let answer: unknown;
  try {
    answer = await provider.request({ method: "eth_signTypedData_v4", params: [account, json] });
  } catch (error) {
    throw walletError("the permit", error);
  }
  if (typeof answer !== "string" || !/^0x[0-9a-f]{130}$/i.test(answer)) {
    throw new BlockcloudError("PERMIT_UNUSABLE", "The wallet's signature has not 65 bytes.", {
      remedy: "A contract account cannot sign a permit: approve the BLOC in the wallet first.",
    });
  }
  const bytes = hexToBytes(answer as Hex);
  // Some wallets give 0 or 1.
  const v = bytes[64] ?? 0;
  if (v < 27) bytes[64] = v + 27;
  return bytes;
}

const domainType = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "chainId", type: "uint256" },
  { name: "verifyingContract", type: "address" },
] as const;

/**
 * Gives the transaction to the wallet, once.
 *
 * @throws BlockcloudError `ACT_PENDING`, `ACT_UNSURE`, `WALLET_OTHER_CHAIN`, `WALLET_OTHER_ACCOUNT`, and the wallet's.
 */
export async function send(
  { act, values, plan, call, permit, cost }: Prepared,
  provider: Provider,
  context: ActContext,
  pendings: Pendings,
): Promise<{ hash: Hex; key: string; nonce: number }> {
  if (permit !== undefined || cost === undefined) throw new TypeError("The permit is not signed.");
  const { deployment, account } = context;
  // Asked first: a node may take its time, and the wallet's user may choose another chain or account meanwhile.
  const counted = { address: account, blockTag: "pending" } as const;
  const nonce = await getTransactionCount(context.client, counted);
  await checkWalletChain(provider, deployment.chainId);
  const present = firstAccount(await provider.request({ method: "eth_accounts" }));
  if (!isAddressEqual(present, account)) {
    throw new BlockcloudError(
      "WALLET_OTHER_ACCOUNT",
      `The wallet is at ${present}, not at ${account}.`,
      {
        remedy: "Connect again, and look at the act once more.",
      },
    );
  }
  const key = pendingKey(act.id, values, { account, ...deployment });
  pendings.begin({ key, title: plan.title, account, chainId: deployment.chainId, nonce });
  const { address: to, abi, functionName, args } = call;
  const data = encodeFunctionData({ abi, functionName, args });
  // A wallet that has changed its chain since it was asked refuses this ID, and sends nothing.
  const chainId = numberToHex(deployment.chainId);
  const transaction = { from: account, to, data, chainId, gas: numberToHex(gasLimit(cost.gas)) };
  let hash: unknown;
  try {
    hash = await provider.request({ method: "eth_sendTransaction", params: [transaction] });
  } catch (error) {
    if (isNotSent(error)) pendings.end(key);
    throw walletError("the transaction", error);
  }
  if (typeof hash !== "string" || !/^0x[0-9a-f]{64}$/i.test(hash)) {
    throw new BlockcloudError("WALLET_NO_HASH", "The wallet did not say what it sent.", {
      remedy: "Look into the wallet, and dismiss the entry if it sent nothing.",
    });
  }
  pendings.sent(key, hash as Hex);
  return { hash: hash as Hex, key, nonce };
}

/** The gas limit of a call; unused gas is not paid. */
function gasLimit(estimate: bigint): bigint {
  const roomy = (estimate * 11n) / 10n + GAS_ROOM;
  return roomy > MAX_GAS ? MAX_GAS : roomy;
}

async function costOf(context: ActContext, call: ResolvedCall): Promise<Cost> {
  const { client, account } = context;
  const { address: to, abi, functionName, args } = call;
  const data = encodeFunctionData({ abi, functionName, args });
  const gas = await tried(functionName, async () =>
    // viem's own estimate prepares every kind of transaction, which is a part of the page's script for nothing.
    BigInt(
      await client.request({ method: "eth_estimateGas", params: [{ from: account, to, data }] }),
    ),
  );
  const [block, price, ether] = await Promise.all([
    client.getBlock(),
    client.getGasPrice(),
    client.getBalance({ address: account }),
  ]);
  const highest = 2n * (block.baseFeePerGas ?? price) + price;
  const cost = { gas, expected: gas * price, atMost: gasLimit(gas) * highest };
  if (ether >= gasLimit(gas) * price) return cost;
  throw new BlockcloudError(
    "BALANCE_TOO_LOW",
    `${account} has ${formatEther(ether)} ETH; the gas costs up to ${formatEther(cost.atMost)}.`,
    { remedy: "Send the missing ether to it." },
  );
}

async function permitNeeded(
  { client, deployment, account }: ActContext,
  spender: Address,
  amount: bigint,
): Promise<Prepared["permit"]> {
  // One contract takes BLOC for a registration, and it is not the called one.
  const { token, registry, staking } = contractsOf(deployment);
  const taker = isAddressEqual(spender, registry.address) ? staking.address : spender;
  const [balance, allowed] = await Promise.all([
    client.readContract({ ...token, functionName: "balanceOf", args: [account] }),
    client.readContract({ ...token, functionName: "allowance", args: [account, taker] }),
  ]);
  if (balance < amount) {
    throw new BlockcloudError(
      "BALANCE_TOO_LOW",
      `${account} has ${bloc(balance)}; the act takes ${bloc(amount)}.`,
      { remedy: "Send the missing BLOC to it." },
    );
  }
  return allowed >= amount ? undefined : { spender: taker, amount };
}

function resolve({ call }: Plan, { deployment }: ActContext): ResolvedCall {
  const { contract, functionName, args } = call;
  return { address: deployment.contracts[contract], abi: abis[contract], functionName, args };
}

async function tried<T>(name: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw describeRefusal(name, error);
  }
}
