import { formatEther, type Hex } from "viem";
import type { ChainStatement } from "../../chain/cashier/statement.ts";
import { parseServiceId } from "../../protocol/serviceId.ts";
import { table } from "../show/format.ts";
import { csv } from "./csv.ts";

/** What the payer's own wallet has signed, by day and service: it is paid when a collector redeems it. */
export interface SignedRow {
  /** UTC, `2027-01-31`. */
  day: string;
  service: Hex;
  /** BLOC in wei. */
  amount: bigint;
}

/** A line of a statement: one service on one day, BLOC in wei. */
export interface StatementRow {
  day: string;
  service: Hex;
  number: bigint;
  /** By vouchers of the wallet in the state folder, for uses of this day. */
  signed: bigint;
  /** By collectors, in blocks of this day, for uses of this day and earlier ones. */
  redeemed: bigint;
  redemptions: number;
}

/** Joins what was signed with what was redeemed, by day, then by service. */
export function statementRows(
  chain: Pick<ChainStatement, "rows">,
  signed: readonly SignedRow[],
): StatementRow[] {
  const rows = new Map<string, StatementRow>();
  const rowOf = ({ day, service }: { day: string; service: Hex }): StatementRow => {
    const key = `${day} ${service}`;
    const none = { day, service, number: parseServiceId(service).prefix, signed: 0n, redeemed: 0n };
    const row = rows.get(key) ?? { ...none, redemptions: 0 };
    rows.set(key, row);
    return row;
  };
  for (const each of signed) rowOf(each).signed += each.amount;
  for (const each of chain.rows) {
    const row = rowOf(each);
    row.redeemed += each.amount;
    row.redemptions += each.redemptions;
  }
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

/** The rows as CSV; amounts in BLOC. */
export function statementCsv(rows: readonly StatementRow[]): string {
  return csv([
    ["day", "service", "number", "signed", "redeemed", "redemptions"],
    ...rows.map((row) => [
      ...[row.day, row.service, row.number.toString()],
      ...[formatEther(row.signed), formatEther(row.redeemed), row.redemptions],
    ]),
  ]);
}

/** The rows as a table; amounts in BLOC. */
export function statementTable(rows: readonly StatementRow[]): string {
  const cells = rows.map((row) => [
    ...[row.day, row.number.toString(), formatEther(row.signed)],
    ...[formatEther(row.redeemed), row.redemptions.toString()],
  ]);
  return table(["day", "service", "signed", "redeemed", "redemptions"], cells, [1, 2, 3, 4]);
}
