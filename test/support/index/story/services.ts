import { stringToHex, toHex } from "viem";
import { devKey } from "../../../../devnet/devnet.ts";
import { abis } from "../../../../src/protocol/abis.ts";
import { hexToBytes } from "../../../../src/protocol/bytes.ts";
import { livenessProof } from "../../../../src/protocol/challenge.ts";
import { blockcloudDomain } from "../../../../src/protocol/typedData.ts";
import { bloc, owner, stranger, type IndexedStory } from "../story.ts";
import { announceAll } from "./announcements.ts";

/** The account that governs the embedded chain's contracts. */
const governor = devKey(19).key;
const REGISTRATION = 10;
/** Owns services 4 to 18, some of which it sells. */
const landlord = owner(3);

/** Classes: one is closed, one is added closed and then opened. */
export async function kinds(story: IndexedStory) {
  const { client, deployment } = story.chain;
  const { verifier } = await client.readContract({
    ...{ address: deployment.contracts.registry, abi: abis.registry },
    ...{ functionName: "classAt", args: [0] },
  });
  const kind = {
    name: stringToHex("odd\u0000name", { size: 32 }),
    ...{ minimumStake: bloc(1), maximumStake: bloc(3), registrationFee: bloc(2), open: false },
    ...{ excellentMs: 5, goodMs: 6, poorMs: 7, verifier },
  };
  await story.send(governor, "registry", "addClass", [kind]);
  await story.send(governor, "registry", "addClass", [{ ...kind, open: false, poorMs: 8 }]);
  await story.send(governor, "registry", "setClassOpen", [3, true]);
  await story.send(governor, "registry", "setClassOpen", [2, false]);
}

const probe = toHex(JSON.stringify({ v: 1, requests: [{ path: "/" }] }));

async function register(story: IndexedStory, number: number, stake: number) {
  const { address } = story.chain.serviceKey(number);
  const about = number === 16 ? "y".repeat(256) : "";
  await story.send(landlord.key, "registry", "register", [0, address, probe, about, bloc(stake)]);
}

/** So many services that they fill a shard, one in the next, and one without stake. */
export async function crowd(story: IndexedStory) {
  const sum = 13 * (1_000 + REGISTRATION) + REGISTRATION;
  await story.chain.fund(landlord.address, sum);
  await story.approve(landlord.key, "staking", sum);
  for (let number = 4; number <= 16; number++) await register(story, number, 1_000);
  await register(story, 17, 0);
  await announceAll(story);
}

/** Services leave in every way, and in several at once: the uppermost status shows. */
export async function turnOver(story: IndexedStory) {
  const own = (functionName: string, ...args: unknown[]) =>
    story.send(landlord.key, "registry", functionName, args);
  const sell = (number: bigint) => own("transferFrom", landlord.address, stranger.address, number);
  await own("retire", 8n);
  await own("setMaintenance", 9n, true);
  await own("retire", 9n);
  await sell(10n);
  await own("setMaintenance", 11n, true);
  await sell(11n);
  await own("setMaintenance", 12n, true);
  await story.send(landlord.key, "staking", "unstakeService", [13n, bloc(1_000)]);
  await own("setProbe", 13n, stringToHex("\uFEFFodd\u0000probe"));
  await own("setMaintenance", 14n, true);
  await own("setPayout", 15n, landlord.address);
  await own("setPayout", 15n, `0x${"0".repeat(40)}`);
  await own("setMetadata", 15n, "about");
  await own("setProbe", 15n, stringToHex("z".repeat(1_024)));
  await story.challenge(12n);
}

/** Challenges that are answered, annulled for want of a seed, and open at the end. */
export async function askForProof(story: IndexedStory) {
  const { chain } = story;
  const { challengeBook: address, registry } = chain.deployment.contracts;
  const book = { address, abi: abis.challengeBook } as const;
  const open = async (number: bigint): Promise<bigint> => {
    await story.approve(stranger.key, "challengeBook", 50);
    await story.send(stranger.key, "challengeBook", "challenge", [number]);
    return chain.client.readContract({ ...book, functionName: "openChallenge", args: [number] });
  };
  const answered = await open(5n);
  await story.advance(1);
  const [question] = await chain.client.readContract({
    ...{ ...book, functionName: "questionOf", args: [answered] },
  });
  const domain = blockcloudDomain(BigInt(chain.deployment.chainId), registry);
  const proof = livenessProof(domain, answered, question, keyOf(story, 5));
  await story.send(landlord.key, "challengeBook", "respond", [answered, proof]);
  const annulled = await open(4n);
  await chain.enter((story.epoch += 4));
  await story.send(stranger.key, "challengeBook", "annul", [annulled]);
  await open(6n);
}

const keyOf = (story: IndexedStory, number: number) =>
  hexToBytes(story.chain.serviceKey(number).key);

/** The registry is to be closed. */
export async function closing(story: IndexedStory, { revoke }: { revoke: boolean }) {
  await story.send(governor, "registry", "announceClosing");
  if (revoke) await story.send(governor, "registry", "revokeClosing");
}

/** Slots of services that were inactive for a whole ring go to others; stake that left is paid out. */
export async function reuseSlots(story: IndexedStory) {
  const { chain } = story;
  for (const number of [8n, 9n]) {
    await story.send(stranger.key, "registry", "releaseSlot", [number]);
  }
  await chain.fund(landlord.address, 1_000 + REGISTRATION);
  await story.approve(landlord.key, "staking", 1_000 + REGISTRATION);
  await register(story, 18, 1_000);
  // It gives its own slot back, and takes one that was free before.
  await story.send(landlord.key, "registry", "setMaintenance", [14n, false]);
  await story.send(stranger.key, "staking", "withdrawService", [1n, owner(1).address]);
  await story.send(stranger.key, "staking", "withdrawService", [13n, landlord.address]);
  const { owner: guest } = chain.auditors.at(-1)!;
  await story.send(stranger.key, "staking", "withdrawAuditor", [guest]);
  await story.advance(2);
  await story.audit(1, () => ({ 1: 3, 14: 2, 18: 1 }));
  await story.settle([1n, 14n, 18n]);
}
