import { HORIZON } from "@protocol/epoch.ts";
import { rootServiceId } from "@protocol/serviceId.ts";
import { serviceStatus } from "@protocol/serviceStatus.ts";
import type { Sources } from "../context.tsx";
import type { EpochVerdict, Listing, ServiceRow } from "../model.ts";
import type { Head } from "./head.ts";
import { readerOf } from "./reader.ts";
import { newestBy, readAnnounced } from "./records.ts";

/** Services that are read from the chain alone, each by some calls: the newest. */
const MOST = 200;
/** Epochs of the strip of verdicts. */
export const STRIP = 8;

/** Services from the chain alone. */
export async function readServices(
  sources: Sources,
  head: Head,
  signal: AbortSignal,
): Promise<Listing<ServiceRow>> {
  const { client, contracts } = sources;
  const count = await client.readContract({ ...contracts.registry, functionName: "serviceCount" });
  const first = count > BigInt(MOST) ? count - BigInt(MOST) + 1n : 1n;
  const numbers: bigint[] = [];
  for (let number = first; number <= count; number++) numbers.push(number);
  const { records } = await readAnnounced(sources, head, signal);
  const rows = await Promise.all(numbers.map((number) => readRow(sources, head, number, records)));
  return {
    rows,
    source: "chain",
    leftOut: first === 1n ? undefined : `the services below number ${first}, which need the index`,
  };
}

async function readRow(
  sources: Sources,
  head: Head,
  number: bigint,
  records: Awaited<ReturnType<typeof readAnnounced>>["records"],
): Promise<ServiceRow> {
  const { client, contracts } = sources;
  const { registry, staking, labels, challengeBook } = contracts;
  const reader = readerOf(sources);
  const args = [number] as const;
  const [owner, label, metadata, classId, status, key, [stake], challenge, verdicts] =
    await Promise.all([
      client.readContract({ ...registry, functionName: "ownerOf", args }),
      client.readContract({ ...labels, functionName: "labelOf", args }),
      client.readContract({ ...registry, functionName: "metadataOf", args }),
      client.readContract({ ...registry, functionName: "classOf", args }),
      client.readContract({ ...registry, functionName: "statusAt", args: [number, head.epoch] }),
      client.readContract({
        ...registry,
        functionName: "keyAt",
        args: [number, head.epoch + HORIZON],
      }),
      client.readContract({
        ...staking,
        functionName: "serviceStakeAt",
        args: [number, head.epoch],
      }),
      client.readContract({ ...challengeBook, functionName: "openChallenge", args }),
      readStrip(sources, head, number),
    ]);
  const record = newestBy(records, number, key)?.record;
  const isCurrent = record !== undefined && record.expiresAt > BigInt(head.timestamp) * 1000n;
  return {
    number,
    id: rootServiceId(number),
    label: label === "" ? undefined : label,
    metadata,
    owner,
    kind: await reader.classAt(classId),
    status: serviceStatus(status),
    stake,
    verdicts,
    endpoints: isCurrent ? record.endpoints.map(({ uri }) => uri) : undefined,
    rewards: undefined,
    redeemed: undefined,
    hasOpenChallenge: challenge !== 0n,
  };
}

/** The verdicts of the newest final epochs. */
export function readStrip(sources: Sources, head: Head, number: bigint): Promise<EpochVerdict[]> {
  const reader = readerOf(sources);
  const epochs = finalEpochs(head.epoch, STRIP);
  return Promise.all(
    epochs.map(async (epoch) => ({ epoch, verdict: await reader.finalVerdict(number, epoch) })),
  );
}

/** The newest epochs whose votes are all revealed, oldest first; epoch 0 has no audits. */
export function finalEpochs(current: number, many: number): number[] {
  return Array.from({ length: many }, (_, index) => current - 1 - many + index).filter(
    (epoch) => epoch >= 1,
  );
}
