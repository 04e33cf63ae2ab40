import { bloc, count } from "../../format.ts";
import { linkTo } from "../../router.ts";
import { Notice } from "../../ui/notice.tsx";
import { Section, Stat, Stats } from "../../ui/stat.tsx";
import { Table, type Column } from "../../ui/table.tsx";
import { Foreign, GradeMark, Id } from "../../ui/text.tsx";
import type { Difference, Skipped } from "../figures.ts";
import type { ServicePay } from "../settlement.ts";
import type { AuditorResult, VerifyResult } from "../verify.ts";

/** What a recount found. */
export function Result({ result }: { result: VerifyResult }) {
  const { epoch, head, seed, budget, compared, differing, omitted, kinds } = result;
  return (
    <>
      <Verdict result={result} />
      {differing > 0 && (
        <Section title="Figures that differ">
          <Table
            caption="Figures that differ"
            columns={differences}
            rows={result.differences.map((row, index) => ({ ...row, index }))}
            rowKey={(row) => String(row.index)}
          />
        </Section>
      )}
      {omitted > 0 && (
        <Section title="Figures that could not be compared">
          <Table
            caption="Figures that could not be compared"
            columns={skipped}
            rows={result.skipped.map((row, index) => ({ ...row, index }))}
            rowKey={(row) => String(row.index)}
          />
        </Section>
      )}
      <Stats>
        <Stat name="Figures compared">{count(compared)}</Stat>
        <Stat name="Budget of services" unit="BLOC">
          {bloc(budget.providers)}
        </Stat>
        <Stat name="Budget of auditors" unit="BLOC">
          {bloc(budget.auditors)}
        </Stat>
        <Stat name="Read up to block">{count(head.number)}</Stat>
      </Stats>
      <p>
        Seed of epoch {epoch}: <Id value={seed} whole />
      </p>
      <Section title="Services">
        <Table
          caption="Verdicts and pay of services"
          columns={services}
          rows={result.services}
          rowKey={({ number }) => number.toString()}
          empty="No service was active."
        />
      </Section>
      <Section title="Auditors">
        <Table
          caption="Draws, votes and pay of auditors"
          columns={auditors}
          rows={result.auditors}
          rowKey={({ auditor }) => auditor}
          empty="No auditor committed."
        />
      </Section>
      <details>
        <summary>What was compared</summary>
        <ul className="kinds">
          {Object.entries(kinds).map(([kind, times]) => (
            <li key={kind}>
              {kind}: <span className="number">{count(times)}</span>
            </li>
          ))}
        </ul>
      </details>
    </>
  );
}

function Verdict({ result: { epoch, compared, differing, omitted } }: { result: VerifyResult }) {
  const left = omitted === 0 ? "" : ` ${count(omitted)} could not be compared.`;
  if (differing === 0) {
    return (
      <Notice kind="good" title={`Epoch ${epoch}: the contracts agree with the recount`}>
        All {count(compared)} figures are the same.{left}
      </Notice>
    );
  }
  return (
    <Notice kind="error" title={`Epoch ${epoch}: ${count(differing)} figures differ`}>
      Of {count(compared)} figures. Either the node does not tell the truth, or the contracts do not
      follow the protocol: ask another node first.{left}
    </Notice>
  );
}

type Indexed<T> = T & { index: number };

const about = <T extends Skipped | Difference>(): Column<Indexed<T>>[] => [
  { key: "what", title: "Figure", cell: ({ what }) => what },
  { key: "epoch", title: "Epoch", cell: ({ epoch }) => epoch ?? "–", isNumber: true },
  { key: "party", title: "Party", cell: ({ party }) => <Foreign value={party ?? "–"} /> },
];

// A node can send anything as a figure.
const differences: Column<Indexed<Difference>>[] = [
  ...about<Difference>(),
  { key: "expected", title: "Recounted", cell: ({ expected }) => <Foreign value={expected} /> },
  { key: "found", title: "The contracts say", cell: ({ found }) => <Foreign value={found} /> },
];

const skipped: Column<Indexed<Skipped>>[] = [
  ...about<Skipped>(),
  { key: "why", title: "Why", cell: ({ why }) => why },
];

const services: Column<ServicePay>[] = [
  {
    key: "number",
    title: "Service",
    cell: ({ number }) => (
      <a className="number" href={linkTo(["services", number.toString()])}>
        #{number.toString()}
      </a>
    ),
    sort: (row) => row.number,
  },
  { key: "slot", title: "Slot", cell: ({ slot }) => slot, isNumber: true, sort: (row) => row.slot },
  { key: "grade", title: "Verdict", cell: ({ grade }) => <GradeMark verdict={grade} /> },
  { key: "gradedIn", title: "Verdict of epoch", cell: ({ gradedIn }) => gradedIn, isNumber: true },
  {
    key: "due",
    title: "Pay, BLOC",
    cell: ({ due }) => bloc(due, 4),
    isNumber: true,
    sort: (row) => row.due,
  },
  { key: "settled", title: "Settled", cell: ({ settled }) => (settled ? "yes" : "not yet") },
];

const auditors: Column<AuditorResult>[] = [
  {
    key: "auditor",
    title: "Auditor",
    cell: ({ auditor }) => <Id value={auditor} href={linkTo(["auditors", auditor])} />,
  },
  { key: "drawn", title: "Shards drawn", cell: ({ drawn }) => shards(drawn) },
  { key: "revealed", title: "Revealed", cell: ({ revealed }) => (revealed ? "yes" : "no") },
  { key: "votes", title: "Votes", cell: ({ votes }) => votes, isNumber: true },
  { key: "paid", title: "Paid votes", cell: ({ paidVotes }) => paidVotes, isNumber: true },
  {
    key: "pay",
    title: "Pay, BLOC",
    cell: ({ reward }) => bloc(reward, 4),
    isNumber: true,
    sort: (row) => row.reward,
  },
];

/** Shards that are listed; an auditor with much stake is drawn for most. */
const MOST_SHARDS = 8;

function shards(drawn: AuditorResult["drawn"]): string {
  const listed = drawn
    .slice(0, MOST_SHARDS)
    .map(({ shard, weight }) => `${shard} with weight ${weight}`);
  const more = drawn.length - listed.length;
  return [...listed, ...(more > 0 ? [`${more} more`] : [])].join(", ") || "–";
}
