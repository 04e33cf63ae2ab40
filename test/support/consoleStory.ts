import { parseEther, type Hex } from "viem";
import { sender } from "../../devnet/cast.ts";
import { devKey } from "../../devnet/devnet.ts";
import { keyIndex } from "../../devnet/stage.ts";
import { abis } from "../../src/protocol/abis.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { labelCommitment } from "../../src/protocol/label.ts";
import { signRecord } from "../../src/protocol/record.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import type { Grade } from "../../src/protocol/tally.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { AuditedChain, FIRST } from "./auditedChain.ts";
import { Payer } from "./payer.ts";

const bloc = (amount: number) => parseEther(amount.toString());
const SALT: Hex = `0x${"5a".repeat(32)}`;
const DAY = 86_400;

/** What is seen in the console's tests: three services, one that gets worse, one that fails; three auditors. */
export interface ConsoleStory {
  chain: AuditedChain;
  /** A user with a deposit, an open tab with service 1, and payments. */
  payer: Payer;
  /** The last epoch that was audited; its votes are not revealed. */
  last: number;
}

/** The grades of services 1 to 3 in the audited epochs. */
const GRADES: readonly (readonly [Grade, Grade, Grade])[] = [
  [3, 3, 0],
  [3, 2, 1],
  [3, 1, 3],
  [3, 3, 0],
  [3, 2, 2],
  [3, 3, 0],
];

/**
 * Plays the story on an embedded chain.
 *
 * @param metadata The description of each service; a stranger's text.
 */
export async function playStory(
  metadata = "https://weather.example/about.json",
): Promise<ConsoleStory> {
  const chain = await AuditedChain.start({
    services: [4_000, 3_000, 12_000],
    auditors: [10_000, 11_000, 13_000],
    metadata,
    bounds: { excellentMs: 600, goodMs: 1_500, poorMs: 3_500 },
  });
  let last = FIRST;
  for (const [index, [first, second, third]] of GRADES.entries()) {
    last = FIRST + index;
    // Before the fall of service 2, and elsewhere than at the end.
    if (index === 2) await announce(chain, 2, ["http://192.0.2.8:8080", "sal://192.0.2.8:7370"]);
    await chain.play(last, last, { 1: first, 2: second, 3: third });
    if (index >= 2) for (const auditor of [0, 1]) await chain.claim(last - 2, auditor);
  }
  for (const number of [1n, 2n]) {
    const call = {
      ...contract(chain, "settlement"),
      functionName: "settle",
      args: [number, last - 2],
    };
    await chain.stranger.send(call);
  }
  await name(chain, 1, "weather");
  await announce(chain, 1, ["https://weather.example/api", "sal://192.0.2.7:7370"]);
  await announce(chain, 2, ["sal://relay.example:7370?relay"]);
  return { chain, payer: await payService(chain), last };
}

function contract(chain: AuditedChain, name: keyof typeof abis) {
  return { address: chain.deployment.contracts[name], abi: abis[name] };
}

/** A service takes a label. */
async function name(chain: AuditedChain, number: number, label: string): Promise<void> {
  const { address } = chain.owner(number);
  const labels = contract(chain, "labels");
  await chain.fund(address, 60);
  await chain.own(number, "approve", [labels.address, bloc(60)], contract(chain, "token"));
  await chain.own(number, "commitLabel", [labelCommitment(label, address, SALT)], labels);
  const request = chain.client.request as (call: object) => Promise<unknown>;
  await request({ method: "evm_increaseTime", params: [3] });
  // Gas is estimated at the time of the newest block.
  await request({ method: "evm_mine", params: [] });
  await chain.own(number, "setLabel", [BigInt(number), label, SALT], labels);
}

/** A service announces where it is. */
async function announce(
  chain: AuditedChain,
  number: number,
  uris: readonly string[],
): Promise<void> {
  await chain.own(number, "announce", [BigInt(number), await signedRecord(chain, number, uris)]);
}

/** A record by the key of a service. */
export async function signedRecord(
  chain: AuditedChain,
  number: number,
  uris: readonly string[],
): Promise<Hex> {
  const { chainId, contracts } = chain.deployment;
  const { timestamp } = await chain.client.getBlock();
  const issuedAt = timestamp * 1000n;
  const record = {
    serviceId: rootServiceId(BigInt(number)),
    issuedAt,
    expiresAt: issuedAt + 12n * 3_600_000n,
    endpoints: uris.map((uri, index) => ({ uri, priority: 10 + index, weight: 100 })),
    delegation: "0x" as Hex,
  };
  const domain = blockcloudDomain(BigInt(chainId), contracts.registry);
  return signRecord(record, domain, hexToBytes(chain.serviceKey(number).key));
}

/** A user deposits, and pays service 1. */
export async function payService(chain: AuditedChain): Promise<Payer> {
  const { key } = devKey(keyIndex.visitor + 1);
  const payer = new Payer(key, chain.deployment);
  const cashier = contract(chain, "cashier");
  const send = (
    signer: Hex,
    name: keyof typeof abis,
    functionName: string,
    args: readonly unknown[],
  ) => sender(chain.stage, signer).send({ ...contract(chain, name), functionName, args });
  await chain.fund(payer.address, 500);
  await send(key, "token", "approve", [cashier.address, bloc(200)]);
  await send(key, "cashier", "deposit", [bloc(200)]);
  const owner = chain.owner(1);
  const { timestamp } = await chain.client.getBlock();
  const tab = payer.tab(1n, owner.address, {
    limit: bloc(50),
    now: Number(timestamp),
    lastsS: 5 * DAY,
  });
  await send(owner.key, "cashier", "openTab", [tab.terms, tab.salt, tab.signature]);
  for (const amount of [4, 9]) {
    await send(owner.key, "cashier", "redeem", [payer.voucher(tab, bloc(amount))]);
  }
  return payer;
}
