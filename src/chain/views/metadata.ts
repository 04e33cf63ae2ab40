import { keccak256, stringToHex, type Hex } from "viem";
import type { ChainClient } from "../client.ts";
import type { Deployment } from "../deployment.ts";
import { LOG_SPAN, readRanges, type BlockRange } from "../logs.ts";
import { contractsOf, type Moment } from "./contracts.ts";

/** How many pieces of history are searched for the description's newest change. */
const PIECES_BACK = 20;

/**
 * The URI of a service's description, of which the registry keeps the hash alone: from the registration,
 * or from the newest change within a bounded number of blocks.
 *
 * @param input.registeredBy A block in which it may have been registered: that of its probe.
 * @returns `uri` is undefined where it was not found; all of it, where the service has no description.
 */
export async function readMetadata(
  client: ChainClient,
  deployment: Deployment,
  input: { number: bigint; hash: Hex; registeredBy: bigint; moment: Moment },
): Promise<{ hash: Hex; uri: string | undefined } | undefined> {
  const { number, hash, registeredBy, moment } = input;
  if (BigInt(hash) === 0n) return undefined;
  const { registry } = contractsOf(deployment);
  const read = async (
    eventName: "ServiceRegistered" | "MetadataSet",
    { from, to }: BlockRange,
  ): Promise<string | undefined> => {
    const logs = await client.getContractEvents({
      ...registry,
      eventName,
      args: { number },
      fromBlock: from,
      toBlock: to,
      strict: true,
    });
    return logs
      .map(({ args }) => args.metadata)
      .findLast((metadata) => keccak256(stringToHex(metadata)) === hash);
  };
  const first = await read("ServiceRegistered", { from: registeredBy, to: registeredBy });
  if (first !== undefined) return { hash, uri: first };
  const back = moment.number - BigInt(PIECES_BACK) * LOG_SPAN;
  const start = BigInt(deployment.block);
  const range = { from: back > start ? back : start, to: moment.number };
  const pieces = readRanges(range, (piece) => read("MetadataSet", piece), { backward: true });
  for await (const { value } of pieces) {
    if (value !== undefined) return { hash, uri: value };
  }
  return { hash, uri: undefined };
}
