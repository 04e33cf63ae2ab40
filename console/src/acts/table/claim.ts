import { encodeFunctionData, type Hex } from "viem";
import { abis } from "../../../../src/protocol/abis.ts";
import { epochStart } from "../../../../src/protocol/epoch.ts";
import { BlockcloudError } from "../../../../src/protocol/errors.ts";
import { contacts, type ChunkArgument } from "../../../../src/protocol/round.ts";
import { readTransaction } from "../../verify/calls.ts";
import { contractsOf } from "../../chain/contracts.ts";
import { addressTopic, numberTopic, topicOf } from "../../verify/events.ts";
import { readTicks } from "../../verify/seeds.ts";
import { Source } from "../../verify/source.ts";
import type { Act, ActContext } from "../act.ts";
import { addressOf, textOf, wholeOf } from "../values.ts";
import { claimedBy } from "./paid.ts";

/** Claims a round that needs no receipts: all others only their auditor's machine can claim, which has them. */
export const claim: Act = {
  id: "claim",
  group: "Pay",
  title: "Claim a round of an auditor",
  about:
    "For rounds in which all votes are FAILED, or that are empty. Any other claim needs the receipts that the auditor's machine keeps.",
  fields: [
    { name: "epoch", label: "Epoch", kind: "number", required: true },
    { name: "auditor", label: "Auditor", kind: "address", hint: "Empty: this account." },
  ],
  async plan(values, context) {
    const epoch = wholeOf(values, "epoch");
    const auditor =
      textOf(values, "auditor") === "" ? context.account : addressOf(values, "auditor");
    const { chunks, sampleEpoch } = await revealed(context, auditor, epoch);
    if (chunks.length === 0) {
      throw new BlockcloudError(
        "ROUND_UNKNOWN",
        `${auditor} revealed nothing for epoch ${epoch}.`,
        {
          remedy:
            "Check the epoch and the auditor: a round is revealed in the epoch after its own.",
        },
      );
    }
    if (chunks.some((chunk) => contacts(chunk).length > 0)) {
      throw new BlockcloudError(
        "CLAIM_NEEDS_RECEIPTS",
        `The round of epoch ${epoch} has votes that a claim must prove by receipts.`,
        { remedy: "Run the auditor: only its machine has them, and it claims by itself." },
      );
    }
    const abi = abis.proofOfService;
    const calls: Hex[] = chunks.map((chunk) =>
      encodeFunctionData({ abi, functionName: "claim", args: [chunk, sampleEpoch, []] }),
    );
    const [only] = chunks;
    return {
      title: `claim epoch ${epoch} of ${auditor}`,
      call: {
        contract: "proofOfService",
        ...(chunks.length === 1
          ? { functionName: "claim", args: [only, sampleEpoch, []] }
          : { functionName: "tryMulticall", args: [calls] }),
      },
      outcome: ["the pay is credited to the auditor; collect it afterwards"],
      result: claimedBy,
    };
  },
};

/** The chunks of a round, from the calldata of its reveals, and the epoch whose seed picks the samples. */
async function revealed(
  { rpc, deployment }: ActContext,
  auditor: ChunkArgument["auditor"],
  epoch: number,
): Promise<{ chunks: ChunkArgument[]; sampleEpoch: number }> {
  const contracts = contractsOf(deployment);
  const { proofOfService } = contracts;
  const source = new Source(rpc, new AbortController().signal);
  const newest = await source.newest();
  const low = BigInt(deployment.block);
  const from = await source.firstFrom(epochStart(deployment, epoch), low, newest.number);
  const none = { chunks: [], sampleEpoch: 0 };
  if (from === undefined) return none;
  const topics = [
    [topicOf(proofOfService.abi, "Revealed")],
    [addressTopic(auditor)],
    [numberTopic(epoch)],
  ];
  const filter = { address: [proofOfService.address], topics };
  const chunks: ChunkArgument[] = [];
  for await (const log of source.logs(filter, from, newest.number)) {
    const { calls } = await readTransaction(source, contracts, log);
    for (const call of calls) {
      const isOf =
        call.name === "reveal" && call.chunk.epoch === epoch && call.chunk.auditor === auditor;
      if (isOf && !chunks.some(({ index }) => index === call.chunk.index)) chunks.push(call.chunk);
    }
  }
  const ticks = await readTicks(source, contracts, { from, to: newest.number }, epoch);
  const sampled = [...ticks.values()].find((tick) => tick.epoch >= epoch + 2);
  // Without that seed the contract says that it is too early.
  return { chunks, sampleEpoch: sampled?.epoch ?? epoch + 2 };
}
