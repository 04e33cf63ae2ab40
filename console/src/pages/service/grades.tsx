import { useMemo, useState } from "react";
import { epochStart } from "@protocol/epoch.ts";
import type { ServiceDetail } from "../../chain/service.ts";
import { useEvery, useHead, useSources } from "../../context.tsx";
import { bloc, gradeWord } from "../../format.ts";
import { caughtUp } from "../../index/lag.ts";
import { indexedRoundsOf } from "../../index/service.ts";
import type { ServiceEpochRow } from "../../model.ts";
import { useRead, type Reading } from "../../useRead.ts";
import { Chart } from "../../ui/chart.tsx";
import { Failure, Notice } from "../../ui/notice.tsx";
import { Waiting } from "../../ui/source.tsx";
import { Section } from "../../ui/stat.tsx";
import { Table, type Column } from "../../ui/table.tsx";
import { GradeMark, None, TimeAgo } from "../../ui/text.tsx";
import { lastFall } from "./fall.ts";
import { FallCard } from "./fallCard.tsx";
import { Votes } from "./votes.tsx";
import { reasonOf, wasAudited, weights } from "./why.ts";

/** Epochs that are read from the chain, and from the index behind them. */
export const CHAIN_EPOCHS = 48;
const INDEX_EPOCHS = 500;
const LETTERS: Readonly<Record<number, string>> = {
  0: "Failed",
  1: "Poor",
  2: "Good",
  3: "Excellent",
};

/** Grades by epoch, the weights behind them, and why the service got less than the best. */
export function Grades(props: {
  service: ServiceDetail;
  chain: Reading<readonly ServiceEpochRow[]>;
}) {
  const { service, chain } = props;
  const sources = useSources();
  const head = useHead();
  const { number, kind } = service;
  const indexed = useRead(`rounds of ${number}`, useEvery(15), async (signal) => {
    const { index } = sources;
    if (index === undefined) return [];
    return indexedRoundsOf(await caughtUp(index, head, signal), number, INDEX_EPOCHS, signal);
  });
  const rows = useMemo(() => {
    const own = chain.value ?? [];
    const oldest = own[0]?.epoch ?? Number.MAX_SAFE_INTEGER;
    return [...(indexed.value ?? []).filter(({ epoch }) => epoch < oldest), ...own].filter(
      ({ epoch }) => epoch >= service.firstEpoch,
    );
  }, [chain.value, indexed.value, service.firstEpoch]);
  const fall = useMemo(() => lastFall(rows), [rows]);
  const [opened, setOpened] = useState<number>();
  const { deployment } = sources.config;
  const columns = useMemo(
    (): readonly Column<ServiceEpochRow>[] => [
      { key: "epoch", title: "Epoch", cell: ({ epoch }) => epoch, sort: ({ epoch }) => epoch },
      {
        key: "when",
        title: "Began",
        cell: ({ epoch }) => <TimeAgo seconds={epochStart(deployment, epoch)} />,
      },
      {
        key: "verdict",
        title: "Verdict",
        cell: (row) =>
          row.final && wasAudited(row) ? (
            <GradeMark verdict={row.verdict} />
          ) : (
            <span className="muted">{row.final ? "not audited" : "being revealed"}</span>
          ),
        sort: ({ verdict }) => verdict ?? -1,
      },
      { key: "weights", title: "Weight by grade", cell: ({ counts }) => weights(counts) },
      {
        key: "why",
        title: "Why",
        isWide: true,
        cell: (row) => {
          const reason = reasonOf(row, kind);
          return reason === undefined ? (
            <None />
          ) : (
            <span className="why">
              {reason.what} <span className="muted">{reason.remedy}</span>
            </span>
          );
        },
      },
      {
        key: "pay",
        title: "Pay, BLOC",
        cell: ({ pay, settled }) =>
          pay === undefined ? "–" : `${bloc(pay)}${settled || pay === 0n ? "" : " (to settle)"}`,
        sort: ({ pay }) => pay ?? -1n,
        isNumber: true,
      },
      {
        key: "votes",
        title: "Votes",
        cell: ({ epoch }) => (
          <button
            type="button"
            className="small"
            aria-expanded={opened === epoch}
            aria-label={`${opened === epoch ? "Hide" : "Show"} votes of epoch ${epoch}`}
            onClick={() => {
              setOpened((before) => (before === epoch ? undefined : epoch));
            }}
          >
            {opened === epoch ? "Hide" : "Show"}
          </button>
        ),
      },
    ],
    [kind, deployment, opened],
  );
  return (
    <Section title="Grades and pay">
      {chain.value === undefined && chain.failure === undefined && <Waiting />}
      {chain.failure !== undefined && <Failure failure={chain.failure} />}
      {indexed.failure !== undefined && (
        <Notice kind="info" title={`Only the last ${CHAIN_EPOCHS} epochs are shown`}>
          Older ones need the index. {indexed.failure.message}
        </Notice>
      )}
      {rows.length > 1 && <Picture rows={rows} />}
      {fall !== undefined && <FallCard service={service} fall={fall} showVotes={setOpened} />}
      {opened !== undefined && <Votes service={service} epoch={opened} key={opened} />}
      {(chain.value !== undefined || rows.length > 0) && (
        <Table
          caption="The service by epoch, the newest first"
          columns={columns}
          rows={rows}
          rowKey={({ epoch }) => String(epoch)}
          initial={{ key: "epoch", descending: true }}
          pageSize={12}
          empty="The service has not been audited yet."
        />
      )}
    </Section>
  );
}

function Picture({ rows }: { rows: readonly ServiceEpochRow[] }) {
  const data = useMemo(() => {
    const final = rows.filter(({ final }) => final);
    return {
      x: final.map(({ epoch }) => epoch),
      series: (["excellent", "good", "poor", "failed"] as const).map((colour, index) => ({
        name: LETTERS[3 - index] ?? "",
        colour,
        values: final.map(({ verdict }) => (verdict === 3 - index ? verdict : null)),
        isBar: true,
      })),
      last: final.at(-1),
    };
  }, [rows]);
  if (data.last === undefined) return null;
  const { x, series, last } = data;
  return (
    <Chart
      label={`Verdicts by epoch; the last, of epoch ${last.epoch}, is ${gradeWord(last.verdict)}. The table has all.`}
      x={x}
      series={series}
      range={[-0.4, 3.2]}
      ticks={[0, 1, 2, 3]}
      format={gradeName}
      height={150}
    />
  );
}

function gradeName(value: number): string {
  return LETTERS[value] ?? "";
}
