import type { Address } from "viem";
import type { StatementRow } from "../../chain/money.ts";
import { exactBloc } from "../../format.ts";

/** A statement as CSV (RFC 4180): days, numbers and amounts, and no text of a stranger. */
export function statementCsv(rows: readonly StatementRow[]): string {
  const lines = rows.map(({ day, service, paid, redemptions }) =>
    [day, service.toString(), exactBloc(paid), redemptions].join(","),
  );
  return ["day,service,paid_bloc,redemptions", ...lines, ""].join("\r\n");
}

/** The same as JSON; amounts are decimal texts in BLOC and in wei. */
export function statementJson(payer: Address, rows: readonly StatementRow[]): string {
  const list = rows.map(({ day, service, paid, redemptions }) => ({
    day,
    service: service.toString(),
    paidBloc: exactBloc(paid),
    paidWei: paid.toString(),
    redemptions,
  }));
  return JSON.stringify({ payer, rows: list }, null, 2);
}
