import { useEvery, useHead, useSources } from "../../context.tsx";
import { bloc, count, exactBloc } from "../../format.ts";
import { caughtUp } from "../../index/lag.ts";
import { indexedIncome, type IncomeRow } from "../../index/service.ts";
import { useRead } from "../../useRead.ts";
import { Notice } from "../../ui/notice.tsx";
import { save } from "../../ui/save.ts";
import { Section } from "../../ui/stat.tsx";
import { Table, type Column } from "../../ui/table.tsx";

const columns: readonly Column<IncomeRow>[] = [
  {
    key: "day",
    title: "Day, UTC",
    cell: ({ day }) => <span className="number">{day}</span>,
    sort: ({ day }) => day,
  },
  {
    key: "rewards",
    title: "Emission, BLOC",
    cell: ({ rewards }) => bloc(rewards),
    sort: ({ rewards }) => rewards,
    isNumber: true,
  },
  {
    key: "redeemed",
    title: "Redeemed, BLOC",
    cell: ({ redeemed }) => bloc(redeemed),
    sort: ({ redeemed }) => redeemed,
    isNumber: true,
  },
  {
    key: "redemptions",
    title: "Redemptions",
    cell: ({ redemptions }) => count(redemptions),
    sort: ({ redemptions }) => redemptions,
    isNumber: true,
  },
  {
    key: "collected",
    title: "Collected, BLOC",
    cell: ({ collected }) => bloc(collected),
    sort: ({ collected }) => collected,
    isNumber: true,
  },
  { key: "fees", title: "Fees, BLOC", cell: ({ fees }) => bloc(fees), isNumber: true },
];

/** What a service earned by day: from the emission, and from its users. Only the index adds it up. */
export function Income({ number }: { number: bigint }) {
  const { index } = useSources();
  const head = useHead();
  const { value, failure } = useRead(`income of ${number}`, useEvery(15), async (signal) =>
    index === undefined
      ? undefined
      : indexedIncome(await caughtUp(index, head, signal), number, signal),
  );
  // That there was nothing may not be so any more.
  const rows = failure !== undefined && value?.length === 0 ? undefined : value;
  return (
    <Section
      title="Income by day"
      aside={
        rows !== undefined &&
        rows.length > 0 && (
          <button
            type="button"
            onClick={() => {
              save(`income-${number}.csv`, "text/csv", incomeCsv(rows));
            }}
          >
            Save CSV
          </button>
        )
      }
    >
      {index === undefined && <p className="empty">Sums by day need the index.</p>}
      {failure !== undefined && (
        <Notice kind="info" title="Sums by day need the index">
          {failure.message}
        </Notice>
      )}
      {rows !== undefined && (
        <Table
          caption="Income by day"
          columns={columns}
          rows={rows}
          rowKey={({ day }) => day}
          initial={{ key: "day", descending: true }}
          pageSize={10}
          empty="The service has earned nothing yet."
        />
      )}
    </Section>
  );
}

/** Days and amounts as CSV (RFC 4180). */
function incomeCsv(rows: readonly IncomeRow[]): string {
  const lines = rows.map(({ day, rewards, redeemed, redemptions, collected, fees }) =>
    [
      ...[day, exactBloc(rewards), exactBloc(redeemed), redemptions],
      ...[exactBloc(collected), exactBloc(fees)],
    ].join(","),
  );
  const head = "day,rewards_bloc,redeemed_bloc,redemptions,collected_bloc,fees_bloc";
  return [head, ...lines, ""].join("\r\n");
}
