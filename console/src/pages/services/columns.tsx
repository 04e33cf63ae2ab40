import { waysOf } from "../../chain/records.ts";
import { bloc, milliseconds } from "../../format.ts";
import type { ServiceRow } from "../../model.ts";
import type { Column } from "../../ui/table.tsx";
import { FromHere, PriceFromHere } from "../../call/ui/measured.tsx";
import { GradeMark } from "../../ui/text.tsx";
import { basicColumns } from "./basicColumns.tsx";
import { lastGrade, latencyBound } from "./filter.ts";

/** The columns of the list. */
export function columnsOf(
  compared: ReadonlySet<bigint>,
  toggle: (number: bigint) => void,
  measuredMs: (number: bigint) => number | undefined,
): readonly Column<ServiceRow>[] {
  return [
    basicColumns.service,
    basicColumns.class,
    {
      key: "grade",
      title: "Grade",
      cell: (row) =>
        row.status === "Active" ? (
          <GradeMark verdict={lastGrade(row) ?? null} />
        ) : (
          <Status row={row} />
        ),
      sort: (row) => (row.status === "Active" ? (lastGrade(row) ?? -1) : -2),
      isNumber: false,
    },
    basicColumns.verdicts,
    {
      key: "latency",
      title: "Answers within",
      cell: (row) => milliseconds(latencyBound(row)),
      sort: (row) => latencyBound(row) ?? Number.MAX_SAFE_INTEGER,
      isNumber: true,
    },
    {
      key: "way",
      title: "Reached",
      cell: ({ endpoints }) => <Ways endpoints={endpoints} />,
      sort: ({ endpoints }) => waysOf(endpoints ?? []).transports.join(),
    },
    basicColumns.stake,
    { key: "price", title: "Price, BLOC", cell: ({ number }) => <PriceFromHere number={number} /> },
    {
      key: "here",
      title: "From here",
      cell: ({ number }) => <FromHere number={number} />,
      sort: ({ number }) => measuredMs(number) ?? Number.MAX_SAFE_INTEGER,
      isNumber: true,
    },
    {
      key: "paid",
      title: "Paid by users",
      cell: ({ redeemed }) => (redeemed === undefined ? "–" : bloc(redeemed)),
      sort: ({ redeemed }) => redeemed ?? -1n,
      isNumber: true,
    },
    {
      key: "compare",
      title: "Compare",
      cell: ({ number }) => (
        <input
          type="checkbox"
          checked={compared.has(number)}
          aria-label={`Compare service ${number}`}
          onChange={() => {
            toggle(number);
          }}
        />
      ),
    },
  ];
}

/** Transports of a record, and whether a relay stands in between. */
export function Ways({ endpoints }: { endpoints: readonly string[] | undefined }) {
  if (endpoints === undefined || endpoints.length === 0)
    return <span className="muted">no record</span>;
  const { transports, isRelayed } = waysOf(endpoints);
  return (
    <span>
      {transports.join(", ")}
      {isRelayed && <span className="muted"> by a relay</span>}
    </span>
  );
}

/** Why a service is not audited. */
export function Status({ row }: { row: Pick<ServiceRow, "status"> }) {
  return <span className="grade grade-none">{row.status}</span>;
}
