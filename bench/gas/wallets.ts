import { hashTypedData, keccak256, parseEther, stringToHex, type Address, type Hex } from "viem";
import { bytesToHex, hexToBytes } from "../../src/protocol/bytes.ts";
import { signPermit, type Permit } from "../../src/protocol/permit.ts";
import { addressOfKey, signDigest } from "../../src/protocol/signature.ts";
import { transferTypes } from "../../src/protocol/transferAuthorization.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import type { BenchChain } from "../chain.ts";
import { keyOf, PROBE, REGISTRATION_FEE, SERVICE_STAKE } from "../fleet.ts";
import type { Row } from "./row.ts";

const BLOC = parseEther("1");
/** Price of a label of five bytes and more. */
const LABEL_PRICE = 50n * BLOC;

/** EIP-712 types of EIP-3009. */
const authorizations = {
  ...transferTypes,
  CancelAuthorization: [
    { name: "authorizer", type: "address" },
    { name: "nonce", type: "bytes32" },
  ],
} as const;

/** The owner's permit for exactly an amount. */
export async function permitOf(
  chain: BenchChain,
  spender: Address,
  value: bigint,
): Promise<Permit> {
  const key = keyOf("owner");
  const owner = addressOfKey(key);
  const nonce = await chain.read<bigint>("token", "nonces", [owner]);
  const { timestamp } = await chain.client.getBlock();
  const deadline = timestamp + 3_600n;
  return signPermit(domainOf(chain), { owner, spender, value, nonce, deadline }, hexToBytes(key));
}

/** Two labels, with an allowance and with a permit, for services 16 and 17. */
export async function measureLabels(chain: BenchChain, owner: Address, row: Row): Promise<void> {
  const { labels } = chain.deployment.contracts;
  const salt = keccak256("0x");
  for (const name of ["blockcloud", "weather"]) {
    const commitment = await chain.read<Hex>("labels", "labelCommitment", [name, owner, salt]);
    await row(owner, "labels", "commitLabel", [commitment], name);
  }
  await row(owner, "token", "approve", [labels, LABEL_PRICE], "for a label");
  await row(owner, "labels", "setLabel", [16n, "blockcloud", salt]);
  const permit = await permitOf(chain, labels, LABEL_PRICE);
  await row(owner, "labels", "setLabelWithPermit", [17n, "weather", salt, permit]);
}

/** The calls with a permit, by an account without allowances, which owns service 19. */
export async function measurePermits(chain: BenchChain, row: Row): Promise<void> {
  const { staking, challengeBook } = chain.deployment.contracts;
  const owner = addressOfKey(keyOf("owner"));
  for (const spender of [staking, challengeBook]) {
    const approve = { from: owner, contract: "token", functionName: "approve" } as const;
    await chain.send({ ...approve, args: [spender, 0n] });
  }
  const permit = (spender: Address, amount: bigint) => permitOf(chain, spender, amount);
  const registration = [0, addressOfKey(keyOf("service")), PROBE, "", SERVICE_STAKE];
  const price = await permit(staking, SERVICE_STAKE + REGISTRATION_FEE);
  await row(owner, "registry", "registerWithPermit", [...registration, price]);
  const more = await permit(staking, BLOC);
  await row(owner, "staking", "stakeServiceWithPermit", [19n, BLOC, more]);
  const stake = 5_000n * BLOC;
  const joins = await permit(staking, stake);
  await row(owner, "staking", "stakeAuditorWithPermit", [stake, joins]);
  const bond = await permit(challengeBook, 50n * BLOC);
  await row(owner, "challengeBook", "challengeWithPermit", [19n, bond]);
}

/** Transfers by signature (EIP-3009) and by allowance. */
export async function measureSignedTransfers(
  chain: BenchChain,
  keeper: Address,
  row: Row,
): Promise<void> {
  const [owner, holder] = [addressOfKey(keyOf("owner")), addressOfKey(keyOf("holder"))];
  const { timestamp } = await chain.client.getBlock();
  for (const [primaryType, from, name] of [
    ["TransferWithAuthorization", keeper, "transferWithAuthorization"],
    ["ReceiveWithAuthorization", holder, "receiveWithAuthorization"],
  ] as const) {
    const message = {
      from: owner,
      to: holder,
      value: BLOC,
      validAfter: 0n,
      validBefore: timestamp + 3_600n,
      nonce: keccak256(stringToHex(name)),
    };
    const typed = { domain: domainOf(chain), types: authorizations, primaryType, message };
    await row(from, "token", name, [...Object.values(message), sign(hashTypedData(typed))]);
  }
  const message = { authorizer: owner, nonce: keccak256("0x") };
  const primaryType = "CancelAuthorization";
  const typed = { domain: domainOf(chain), types: authorizations, primaryType, message } as const;
  const cancelled = [owner, message.nonce, sign(hashTypedData(typed))];
  await row(keeper, "token", "cancelAuthorization", cancelled);
  const { value, deadline, v, r, s } = await permitOf(chain, holder, BLOC);
  await row(keeper, "token", "permit", [owner, holder, value, deadline, v, r, s]);
  await row(owner, "token", "approve", [holder, 2n * BLOC], "for transferFrom");
  await row(holder, "token", "transferFrom", [owner, holder, BLOC]);
  await row(holder, "token", "burnFrom", [owner, BLOC]);
}

function domainOf(chain: BenchChain) {
  const { chainId, contracts } = chain.deployment;
  return blockcloudDomain(BigInt(chainId), contracts.token);
}

/** The owner's signature. */
function sign(digest: Hex): Hex {
  return bytesToHex(signDigest(hexToBytes(digest), hexToBytes(keyOf("owner"))));
}
