import { useMemo } from "react";
import { useHead } from "../../context.tsx";
import { bloc, count } from "../../format.ts";
import type { EpochRow } from "../../model.ts";
import { Chart } from "../../ui/chart.tsx";
import { Section } from "../../ui/stat.tsx";
import { Table, type Column } from "../../ui/table.tsx";
import { linkTo } from "../../router.ts";
import { paidLines } from "./epochs.ts";

const columns: readonly Column<EpochRow>[] = [
  {
    key: "epoch",
    title: "Epoch",
    cell: ({ epoch }) => <a href={linkTo(["verify", String(epoch)])}>{epoch}</a>,
    sort: ({ epoch }) => epoch,
  },
  { key: "committed", title: "Rounds", cell: ({ committed }) => count(committed), isNumber: true },
  { key: "revealed", title: "Revealed", cell: ({ revealed }) => count(revealed), isNumber: true },
  {
    key: "votes",
    title: "Votes paid",
    cell: ({ votes, paidVotes }) => (votes === 0 ? "–" : `${count(paidVotes)} of ${count(votes)}`),
    isNumber: true,
  },
  {
    key: "verdicts",
    title: "Verdicts E/G/P/F",
    cell: ({ verdicts }) =>
      verdicts === undefined || verdicts.every((each) => each === 0)
        ? "–"
        : verdicts.toReversed().map(count).join(" / "),
    isNumber: true,
  },
  {
    key: "auditors",
    title: "Auditors, BLOC",
    cell: ({ auditorsPaid }) => bloc(auditorsPaid),
    isNumber: true,
  },
  {
    key: "providers",
    title: "Services, BLOC",
    cell: ({ providersPaid }) => bloc(providersPaid),
    isNumber: true,
  },
  {
    key: "gas",
    title: "Gas an audit",
    cell: ({ gasPerAudit }) => (gasPerAudit === undefined ? "–" : count(gasPerAudit)),
    isNumber: true,
  },
];

const toBloc = (wei: bigint | null) => (wei === null ? null : Number(wei / 10n ** 14n) / 1e4);

/** Pay and rounds by epoch. */
export function History({ rows }: { rows: readonly EpochRow[] }) {
  const { epoch: current } = useHead();
  const chart = useMemo(() => {
    const { auditors, providers } = paidLines(rows, current);
    return {
      x: rows.map(({ epoch }) => epoch),
      series: [
        {
          name: "paid to auditors, BLOC",
          colour: "accent",
          values: auditors.map(toBloc),
        },
        {
          name: "paid to services, BLOC",
          colour: "excellent",
          values: providers.map(toBloc),
        },
      ],
    };
  }, [rows, current]);
  // Only the index counts verdicts.
  const hasVerdicts = rows.some(({ verdicts }) => verdicts !== undefined);
  const shownColumns = columns.filter(({ key }) => key !== "verdicts" || hasVerdicts);
  return (
    <Section title="Epochs">
      {rows.length > 1 && (
        <Chart label="BLOC paid for each epoch; the table below has the figures" {...chart} />
      )}
      <Table
        caption="Epochs, the newest first"
        columns={shownColumns}
        rows={rows}
        rowKey={({ epoch }) => String(epoch)}
        initial={{ key: "epoch", descending: true }}
        pageSize={10}
      />
    </Section>
  );
}
