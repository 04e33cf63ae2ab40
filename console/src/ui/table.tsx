import { useMemo, useState, type ReactNode } from "react";
import { count } from "../format.ts";

/** A column of a table. */
export interface Column<Row> {
  readonly key: string;
  readonly title: string;
  readonly cell: (row: Row) => ReactNode;
  /** What it is sorted by; a column without it cannot be sorted. */
  readonly sort?: (row: Row) => number | bigint | string;
  /** Numbers are set right. */
  readonly isNumber?: boolean;
  /** Texts take the whole width of a card on a narrow screen. */
  readonly isWide?: boolean;
}

export interface TableProps<Row> {
  /** For readers of the screen. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  readonly initial?: { key: string; descending: boolean };
  readonly pageSize?: number;
  readonly empty?: ReactNode;
}

/** A table that sorts and turns pages; on a narrow screen each row becomes a card. */
export function Table<Row>(props: TableProps<Row>) {
  const { caption, columns, rows, rowKey, initial, pageSize = 25, empty = "Nothing yet." } = props;
  const [order, setOrder] = useState(initial);
  const [page, setPage] = useState(0);
  const sorted = useMemo(() => {
    const by = columns.find(({ key }) => key === order?.key)?.sort;
    if (by === undefined || order === undefined) return rows;
    const sign = order.descending ? -1 : 1;
    return rows.toSorted((a, b) => sign * compare(by(a), by(b)));
  }, [rows, columns, order]);
  const pages = Math.max(1, Math.ceil(sorted.length / pageSize));
  const current = Math.min(page, pages - 1);
  const visible = sorted.slice(current * pageSize, (current + 1) * pageSize);
  const sortBy = (key: string, isNumber: boolean) => {
    setPage(0);
    setOrder((before) =>
      before?.key === key ? { key, descending: !before.descending } : { key, descending: isNumber },
    );
  };
  if (rows.length === 0) return <p className="empty">{empty}</p>;
  return (
    <div className="table-box">
      <table>
        <caption className="hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ key, title, sort, isNumber = false }) => {
              const state =
                order?.key === key ? (order.descending ? "descending" : "ascending") : undefined;
              return (
                <th
                  key={key}
                  scope="col"
                  className={isNumber ? "right" : undefined}
                  aria-sort={state}
                >
                  {sort === undefined ? (
                    title
                  ) : (
                    <button
                      type="button"
                      onClick={() => {
                        sortBy(key, isNumber);
                      }}
                    >
                      {title}
                      <span className="sort-mark" aria-hidden="true">
                        {state === undefined ? "" : state === "ascending" ? "↑" : "↓"}
                      </span>
                    </button>
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {visible.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map(({ key, title, cell, isNumber = false, isWide = false }) => (
                <td
                  key={key}
                  className={isNumber ? "right number" : isWide ? "wide" : undefined}
                  data-label={title}
                >
                  <div className="cell">{cell(row)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {pages > 1 && (
        <div className="pager">
          <button
            type="button"
            disabled={current === 0}
            onClick={() => {
              setPage(current - 1);
            }}
          >
            Previous
          </button>
          <span className="number">
            {count(current * pageSize + 1)} to{" "}
            {count(Math.min(sorted.length, (current + 1) * pageSize))} of {count(sorted.length)}
          </span>
          <button
            type="button"
            disabled={current === pages - 1}
            onClick={() => {
              setPage(current + 1);
            }}
          >
            Next
          </button>
        </div>
      )}
    </div>
  );
}

function compare(a: number | bigint | string, b: number | bigint | string): number {
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  return a < b ? -1 : a > b ? 1 : 0;
}
