import { useMemo } from "react";
import type { Address } from "viem";
import {
  readBalances,
  readStatement,
  type MoveRow,
  type Statement,
  type StatementRow,
  type TabRow,
} from "../../chain/money.ts";
import { useEvery, useHead, useSources } from "../../context.tsx";
import { bloc, count, exactBloc } from "../../format.ts";
import { indexedStatement } from "../../index/money.ts";
import { linkTo } from "../../router.ts";
import { useEither } from "../../useEither.ts";
import { useRead } from "../../useRead.ts";
import { ActLink } from "../../ui/actLink.tsx";
import { Failure, Notice } from "../../ui/notice.tsx";
import { save } from "../../ui/save.ts";
import { SourceLine } from "../../ui/source.tsx";
import { Section, Stat, Stats } from "../../ui/stat.tsx";
import { Table, type Column } from "../../ui/table.tsx";
import { Id, TimeAgo } from "../../ui/text.tsx";
import { statementCsv, statementJson } from "./export.ts";

/** Days of the payer's use after which a low balance is told. */
const DAYS_LEFT = 3n;
/** Days of use that the proposed deposit covers. */
const DAYS_DEPOSITED = 30n;

const statementColumns: readonly Column<StatementRow>[] = [
  {
    key: "day",
    title: "Day, UTC",
    cell: ({ day }) => <span className="number">{day}</span>,
    sort: ({ day }) => day,
  },
  {
    key: "service",
    title: "Service",
    cell: ({ service }) => <ServiceLink number={service} />,
    sort: ({ service }) => service,
  },
  {
    key: "redemptions",
    title: "Redemptions",
    cell: ({ redemptions }) => count(redemptions),
    sort: ({ redemptions }) => redemptions,
    isNumber: true,
  },
  {
    key: "paid",
    title: "Paid, BLOC",
    cell: ({ paid }) => bloc(paid, 6),
    sort: ({ paid }) => paid,
    isNumber: true,
  },
];

const tabColumns: readonly Column<TabRow>[] = [
  {
    key: "service",
    title: "Service",
    cell: ({ service }) => <ServiceLink number={service} />,
    sort: ({ service }) => service,
  },
  { key: "tab", title: "Tab", cell: ({ tab }) => <Id value={tab} /> },
  { key: "state", title: "State", cell: ({ state }) => state, sort: ({ state }) => state },
  {
    key: "limit",
    title: "Limit, BLOC",
    cell: ({ limit }) => bloc(limit),
    sort: ({ limit }) => limit,
    isNumber: true,
  },
  {
    key: "redeemed",
    title: "Redeemed",
    cell: ({ redeemed }) => bloc(redeemed),
    sort: ({ redeemed }) => redeemed,
    isNumber: true,
  },
  {
    key: "ends",
    title: "Ends",
    cell: ({ state, endsAt }) => (state === "closed" ? "–" : <TimeAgo seconds={endsAt} />),
    isNumber: true,
  },
  {
    key: "free",
    title: "Free again",
    cell: ({ state, redeemableUntil }) =>
      state === "closed" ? "–" : <TimeAgo seconds={redeemableUntil} />,
    isNumber: true,
  },
];

const moveColumns: readonly Column<MoveRow>[] = [
  {
    key: "time",
    title: "When",
    cell: ({ time }) => <TimeAgo seconds={time} />,
    sort: ({ time }) => time,
  },
  { key: "kind", title: "What", cell: ({ kind }) => kind },
  {
    key: "amount",
    title: "BLOC",
    cell: ({ amount }) => bloc(amount),
    sort: ({ amount }) => amount,
    isNumber: true,
  },
  {
    key: "transaction",
    title: "Transaction",
    cell: ({ transaction }) => <Id value={transaction} />,
  },
];

/** Balance, tabs, and the statement by service and day. */
export function Account({ payer }: { payer: Address }) {
  const sources = useSources();
  const head = useHead();
  const every = useEvery(15);
  const balances = useRead(`balances ${payer}`, head.number, () => readBalances(sources, payer));
  const reading = useEither<Statement>(
    `statement ${payer}`,
    every,
    (index, signal) => indexedStatement(index, payer, signal),
    (from, signal) => readStatement(from, head, payer, signal),
  );
  const statement = reading.value?.value;
  const { value } = balances;
  const used = (statement?.tabs ?? []).reduce(
    (sum, { state, redeemed }) => (state === "closed" ? sum : sum + redeemed),
    0n,
  );
  // Tabs that are left out may have redemptions.
  const isWhole = statement !== undefined && statement.leftOut === undefined;
  return (
    <>
      {balances.failure !== undefined && <Failure failure={balances.failure} />}
      <Stats>
        <Stat
          name="At the Cashier"
          unit="BLOC"
          note={
            isWhole
              ? "free, and in open tabs without what is redeemed"
              : "free, and in open tabs with what is redeemed"
          }
        >
          {value === undefined || (statement === undefined && reading.failure === undefined)
            ? "…"
            : bloc(isWhole ? value.balance - used : value.balance)}
        </Stat>
        <Stat
          name="In open tabs"
          unit="BLOC"
          note={`their limits, of which ${bloc(used)} are redeemed`}
        >
          {value === undefined ? "…" : bloc(value.reserved)}
        </Stat>
        <Stat
          name="Free"
          unit="BLOC"
          note={
            <>
              can be withdrawn now
              {value !== undefined && value.free > 0n && (
                <>
                  .{" "}
                  <ActLink act="withdraw" values={{ amount: exactBloc(value.free) }}>
                    Withdraw
                  </ActLink>
                </>
              )}
            </>
          }
        >
          {value === undefined ? "…" : bloc(value.free)}
        </Stat>
        <Stat
          name="In the account itself"
          unit="BLOC"
          note={
            <>
              not deposited. <ActLink act="deposit">Deposit</ActLink>
            </>
          }
        >
          {value === undefined ? "…" : bloc(value.wallet)}
        </Stat>
      </Stats>
      <SourceLine reading={reading} leftOut={statement?.leftOut} />
      {statement !== undefined && value !== undefined && (
        <Low free={value.free} rows={statement.rows} />
      )}
      {statement !== undefined && (
        <>
          <ByDay payer={payer} rows={statement.rows} />
          <Section title="Tabs">
            <Table
              caption="Tabs"
              columns={tabColumns}
              rows={statement.tabs}
              rowKey={({ service, tab }) => `${service} ${tab}`}
              initial={{ key: "state", descending: true }}
              pageSize={10}
              empty="This account has opened no tab."
            />
          </Section>
          <Section title="Deposits and withdrawals">
            <Table
              caption="Deposits and withdrawals"
              columns={moveColumns}
              rows={statement.moves}
              rowKey={({ transaction, kind, amount }) => `${transaction} ${kind} ${amount}`}
              initial={{ key: "time", descending: true }}
              pageSize={10}
              empty="This account has deposited nothing."
            />
          </Section>
        </>
      )}
    </>
  );
}

function ByDay({ payer, rows }: { payer: Address; rows: readonly StatementRow[] }) {
  const total = rows.reduce((sum, { paid }) => sum + paid, 0n);
  return (
    <Section
      title="Statement by service and day"
      aside={
        <div className="filters">
          <button
            type="button"
            disabled={rows.length === 0}
            onClick={() => {
              save(`statement-${payer}.csv`, "text/csv", statementCsv(rows));
            }}
          >
            Save CSV
          </button>
          <button
            type="button"
            disabled={rows.length === 0}
            onClick={() => {
              save(`statement-${payer}.json`, "application/json", statementJson(payer, rows));
            }}
          >
            Save JSON
          </button>
        </div>
      }
    >
      <Table
        caption="What was paid, by service and day"
        columns={statementColumns}
        rows={rows}
        rowKey={({ day, service }) => `${day} ${service}`}
        initial={{ key: "day", descending: true }}
        empty="No service has redeemed a payment of this account yet. Signed vouchers are on chain only when a provider redeems them."
      />
      {rows.length > 0 && <p className="muted">In all {bloc(total, 6)} BLOC.</p>}
    </Section>
  );
}

/** A balance that lasts for few days of the use so far. */
function Low({ free, rows }: { free: bigint; rows: readonly StatementRow[] }) {
  const daily = useMemo(() => {
    const days = new Set(rows.map(({ day }) => day)).size;
    return days === 0 ? 0n : rows.reduce((sum, { paid }) => sum + paid, 0n) / BigInt(days);
  }, [rows]);
  if (daily === 0n || free >= daily * DAYS_LEFT) return null;
  return (
    <Notice kind="warning" title={`The free balance is below ${DAYS_LEFT} days of use`}>
      On the days with payments, {bloc(daily)} BLOC were paid on average.{" "}
      <ActLink act="deposit" values={{ amount: exactBloc(daily * DAYS_DEPOSITED) }}>
        Deposit for {DAYS_DEPOSITED.toString()} days
      </ActLink>
    </Notice>
  );
}

function ServiceLink({ number }: { number: bigint }) {
  if (number === 0n) return <span className="muted">unknown</span>;
  return (
    <a className="number" href={linkTo(["services", number.toString()])}>
      #{number.toString()}
    </a>
  );
}
