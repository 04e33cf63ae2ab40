import * as z from "zod";
import { className } from "../foreign.ts";
import { finalEpochs, STRIP } from "../chain/services.ts";
import type { EpochVerdict, Listing, ServiceRow } from "../model.ts";
import type { IndexClient } from "./client.ts";
import { rowsOfPages } from "./pages.ts";
import { address, bigint, grade, hex, page, text, whole } from "./scalars.ts";
import { serviceStatuses } from "@protocol/serviceStatus.ts";

/** Services of one answer, and the most that a page holds. */
const AT_ONCE = 200;
const MOST = 1_000;

export const kindSchema = z.object({
  classId: whole,
  name: text.transform(className),
  open: z.boolean(),
  minimumStake: bigint,
  maximumStake: bigint,
  registrationFee: bigint,
  excellentMs: whole,
  goodMs: whole,
  poorMs: whole,
});
export const KIND =
  "classId name open minimumStake maximumStake registrationFee excellentMs goodMs poorMs";

const rowSchema = z.object({
  number: bigint,
  serviceId: hex(32),
  label: text.nullable(),
  metadata: text,
  owner: address,
  status: z.enum(serviceStatuses),
  stake: bigint,
  rewards: bigint,
  redeemed: bigint,
  openChallenge: bigint.nullable(),
  kind: kindSchema.nullable(),
  announcement: z
    .object({
      proven: z.boolean(),
      expiresAt: bigint.nullable(),
      endpoints: z
        .array(z.object({ uri: text }))
        .max(16)
        .nullable(),
    })
    .nullable(),
  rounds: page(z.object({ epoch: whole, verdict: grade.nullable() })),
});

const QUERY = `query ($after: String, $from: Int!) {
  services(orderBy: "number", orderDirection: "desc", limit: ${AT_ONCE}, after: $after) {
    items {
      number serviceId label metadata owner status stake rewards redeemed openChallenge
      kind { ${KIND} }
      announcement { proven expiresAt endpoints }
      rounds(where: { epoch_gte: $from }, orderBy: "epoch", orderDirection: "asc", limit: ${STRIP + 2}) {
        items { epoch verdict }
      }
    }
    totalCount
    pageInfo { hasNextPage endCursor }
  }
}`;
const answerSchema = z.object({ services: page(rowSchema) });

/** Services from the index: the newest thousand, with what they earned. */
export async function indexedServices(
  index: IndexClient,
  epoch: number,
  seconds: number,
  signal: AbortSignal,
): Promise<Listing<ServiceRow>> {
  const epochs = finalEpochs(epoch, STRIP);
  const ask = async (after: string | null) => {
    const variables = { after, from: epochs[0] ?? 0 };
    return (await index.query(QUERY, variables, answerSchema, signal)).services;
  };
  const { rows, total } = await rowsOfPages(ask, MOST);
  const isWhole = total <= rows.length;
  return {
    rows: rows.map((row) => toRow(row, epochs, seconds)).toReversed(),
    source: "index",
    leftOut: isWhole ? undefined : `the oldest ${total - rows.length} of ${total} services`,
  };
}

function toRow(
  row: z.infer<typeof rowSchema>,
  epochs: readonly number[],
  seconds: number,
): ServiceRow {
  const { announcement, rounds } = row;
  const isCurrent =
    announcement?.proven === true &&
    (announcement.expiresAt ?? 0n) > BigInt(Math.floor(seconds)) * 1000n;
  const verdicts = new Map(rounds.items.map(({ epoch, verdict }) => [epoch, verdict]));
  return {
    number: row.number,
    id: row.serviceId,
    label: row.label ?? undefined,
    metadata: row.metadata,
    owner: row.owner,
    kind: row.kind ?? undefined,
    status: row.status,
    stake: row.stake,
    verdicts: epochs.map((epoch): EpochVerdict => ({
      epoch,
      verdict: verdicts.get(epoch) ?? null,
    })),
    endpoints: isCurrent ? (announcement.endpoints ?? []).map(({ uri }) => uri) : undefined,
    rewards: row.rewards,
    redeemed: row.redeemed,
    hasOpenChallenge: row.openChallenge !== null,
  };
}
