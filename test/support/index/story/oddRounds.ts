import { bytesToHex, encodeFunctionData, hexToBytes, parseAbi, type Address, type Hex } from "viem";
import { operatorKey, sender } from "../../../../devnet/cast.ts";
import { devKey } from "../../../../devnet/devnet.ts";
import { keyIndex } from "../../../../devnet/stage.ts";
import type { Call } from "../../../../src/chain/transactions/call.ts";
import { abis } from "../../../../src/protocol/abis.ts";
import type { ChunkArgument } from "../../../../src/protocol/round.ts";
import type { Grade } from "../../../../src/protocol/tally.ts";
import { bloc, GUEST, stranger, type IndexedStory } from "../story.ts";

/**
 * How a call is sent: as it is, in a batch, in a batch after false ones, through a contract that hides it, or in one
 * batch with all that follow.
 */
type Way = "plain" | "batch" | "decoy" | "veil" | "together";

interface OddRound {
  commit: Way;
  /** By chunk. */
  reveal: readonly Way[];
  /** Chunks that are claimed, in their order. */
  claim?: readonly number[];
  maxWords?: number;
}
const plain: OddRound = { commit: "plain", reveal: ["plain"] };
const halves = { commit: "plain", maxWords: 1 } as const;

/** The rounds of two auditors, by epoch. */
const ROUNDS: Record<number, readonly OddRound[]> = {
  2: [
    { ...plain, commit: "veil", claim: [0] },
    { commit: "veil", reveal: ["decoy"] },
    { ...plain, reveal: ["veil"], claim: [0] },
    { ...halves, reveal: ["veil", "plain"], claim: [1, 0] },
    { ...halves, commit: "batch", reveal: ["decoy", "veil"], claim: [0, 1] },
    { ...halves, reveal: ["plain"] },
  ],
  [GUEST]: [
    { ...plain, claim: [0] },
    { ...halves, reveal: ["plain", "plain"], claim: [0] },
    { ...halves, reveal: ["together"], claim: [1, 0] },
    { ...halves, reveal: ["veil", "veil"], claim: [0, 1] },
    { commit: "plain", reveal: [] },
    { commit: "plain", reveal: [] },
  ],
};
const COUNT = 6;

const VEIL: Address = "0x000000000000000000000000000000000000beef";
const veilAbi = parseAbi(["function pass(bytes inverted)"]);

/** A contract that inverts all bits of what it is given, and calls another one with the result. */
const veilCode = (target: Address): Hex =>
  `0x5f5b80602435111560195780604401351981526020016001565b505f5f6024355f5f73${target.slice(2)}5af115603e57005b5f5ffd`;

/** Rounds of more chunks than one, whose calls are hidden, doubled, left out and reported. */
export async function oddRounds(story: IndexedStory) {
  const { chain } = story;
  const target = chain.deployment.contracts.proofOfService;
  const request = chain.client.request as (call: object) => Promise<unknown>;
  await request({ method: "hardhat_setCode", params: [VEIL, veilCode(target)] });
  const auditorOwner = (auditor: number) => devKey(keyIndex.auditor + auditor).key;
  const first = story.epoch;

  const commit = async (auditor: number, index: number) => {
    const { commit: way, maxWords } = ROUNDS[auditor]![index]!;
    const call = await chain.commitment(story.epoch, auditor, gradesOf(auditor), { maxWords });
    await sendBy(story, auditor, way, call);
  };
  const reveal = async (auditor: number, index: number) => {
    for (const [chunk, way] of ROUNDS[auditor]![index]!.reveal.entries()) {
      const shown = chain.chunks(first + index, auditor).slice(chunk);
      const calls = shown.map((each) => revealOf(story, each));
      if (way === "together") await sendTogether(story, auditor, calls);
      else await sendBy(story, auditor, way, calls[0]!, shown[0]);
    }
  };
  for (let index = 0; index < COUNT + 2; index++) {
    if (index === 0) {
      await story.send(auditorOwner(2), "proofOfService", "setOperator", [VEIL]);
    }
    if (index === 2) {
      const { operator } = chain.auditors[2]!;
      await story.send(auditorOwner(2), "proofOfService", "setOperator", [operator]);
    }
    for (const auditor of [2, GUEST]) {
      if (index >= 1 && index <= COUNT) await reveal(auditor, index - 1);
      const claimed = index >= 2 ? ROUNDS[auditor]![index - 2]!.claim : undefined;
      for (const chunk of claimed ?? []) {
        await chain.claim(first + index - 2, auditor, [chunk]);
      }
      if (index < COUNT) await commit(auditor, index);
    }
    if (index < COUNT) await story.raiseStake(GUEST, index === 1 ? [10, 20] : [10]);
    await story.advance(1);
  }
  await story.report({ epoch: first + 4, auditor: GUEST }, { epoch: first + 5, auditor: 2 });
  // The guest leaves.
  const [stake] = await chain.client.readContract({
    ...{ address: chain.deployment.contracts.staking, abi: abis.staking },
    ...{ functionName: "auditorStake", args: [chain.auditors[GUEST]!.owner] },
  });
  await story.send(auditorOwner(GUEST), "proofOfService", "setOperator", [stranger.address]);
  await story.send(auditorOwner(GUEST), "staking", "unstakeAuditor", [bloc(50)]);
  await story.send(auditorOwner(GUEST), "staking", "unstakeAuditor", [stake - bloc(50)]);
  // Another one stakes, and never enrols.
  await story.approve(stranger.key, "staking", 5_000);
  await story.send(stranger.key, "staking", "stakeAuditor", [bloc(5_000)]);
}

const gradesOf = (auditor: number): Record<number, Grade> =>
  auditor === 2 ? { 1: 3, 4: 2, 16: 1 } : { 1: 1, 4: 2, 5: 0, 16: 3 };

function revealOf({ chain }: IndexedStory, chunk: ChunkArgument): Call {
  return { ...chain.contracts.proofOfService, functionName: "reveal", args: [chunk] };
}

/** Sends calls of the rounds' contract in one transaction. */
async function sendTogether(story: IndexedStory, auditor: number, calls: readonly Call[]) {
  const items = calls.map((call) =>
    encodeFunctionData(call as Parameters<typeof encodeFunctionData>[0]),
  );
  await sender(story.chain.stage, operatorKey(auditor)).send({
    ...{ ...story.chain.contracts.proofOfService, functionName: "tryMulticall", args: [items] },
  });
}

async function sendBy(
  story: IndexedStory,
  auditor: number,
  way: Way,
  call: Call,
  chunk?: ChunkArgument,
) {
  const operator = sender(story.chain.stage, operatorKey(auditor));
  const data = encodeFunctionData(call as Parameters<typeof encodeFunctionData>[0]);
  const batch = (...calls: readonly Hex[]) =>
    operator.send({
      ...{ ...story.chain.contracts.proofOfService, functionName: "tryMulticall", args: [calls] },
    });
  if (way === "plain") await operator.send(call);
  if (way === "batch") await batch(data);
  if (way === "decoy") {
    const { abi } = story.chain.contracts.proofOfService;
    const otherSecret = { ...chunk!, secret: `0x${"77".repeat(32)}` } as const;
    const otherWords = { ...chunk!, words: chunk!.words.map((word) => (word >> 240n) << 240n) };
    const decoys = [otherSecret, otherWords].map((each) =>
      encodeFunctionData({ abi, functionName: "reveal", args: [each] }),
    );
    await batch(...decoys, data);
  }
  if (way === "veil") {
    const inverted = bytesToHex(hexToBytes(data).map((byte) => 255 - byte));
    await operator.send({ address: VEIL, abi: veilAbi, functionName: "pass", args: [inverted] });
  }
}
