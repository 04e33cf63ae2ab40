import type { Address } from "viem";
import * as z from "zod";
import type { Statement } from "../chain/money.ts";
import { day } from "../format.ts";
import type { IndexClient } from "./client.ts";
import { bigint, hex, page, whole } from "./scalars.ts";

const MOST = 1_000;
const answerSchema = z.object({
  statementDays: page(z.object({ number: bigint, day: whole, paid: bigint, redemptions: whole })),
  tabs: page(
    z.object({
      number: bigint,
      tab: hex(32),
      limit: bigint,
      redeemed: bigint,
      state: z.enum(["open", "closing", "closed"]),
      expiresAt: bigint,
      redeemableUntil: bigint,
    }),
  ),
  accountMoves: page(
    z.object({
      kind: z.enum(["deposit", "withdrawal"]),
      amount: bigint,
      time: bigint,
      transaction: hex(32),
    }),
  ),
});
const QUERY = `query ($payer: String!) {
  statementDays(where: { payer: $payer }, orderBy: "day", orderDirection: "desc", limit: ${MOST}) {
    items { number day paid redemptions }
    totalCount
  }
  tabs(where: { payer: $payer }, orderBy: "openedAt", orderDirection: "desc", limit: 200) {
    items { number tab limit redeemed state expiresAt redeemableUntil }
    totalCount
  }
  accountMoves(where: { payer: $payer }, orderBy: "id", orderDirection: "desc", limit: 200) {
    items { kind amount time transaction }
    totalCount
  }
}`;

/** A payer's history from the index. */
export async function indexedStatement(
  index: IndexClient,
  payer: Address,
  signal: AbortSignal,
): Promise<Statement> {
  const variables = { payer: payer.toLowerCase() };
  const { statementDays, tabs, accountMoves } = await index.query(
    QUERY,
    variables,
    answerSchema,
    signal,
  );
  const isCut = [statementDays, tabs, accountMoves].some(
    ({ items, totalCount = items.length }) => totalCount > items.length,
  );
  return {
    rows: statementDays.items.map((row) => ({
      day: day(row.day * 86_400),
      service: row.number,
      paid: row.paid,
      redemptions: row.redemptions,
    })),
    tabs: tabs.items.map(({ number, expiresAt, redeemableUntil, ...tab }) => ({
      ...tab,
      service: number,
      endsAt: Number(expiresAt),
      redeemableUntil: Number(redeemableUntil),
    })),
    moves: accountMoves.items.map((move) => ({ ...move, time: Number(move.time) })),
    leftOut: isCut ? "the oldest rows" : undefined,
  };
}
