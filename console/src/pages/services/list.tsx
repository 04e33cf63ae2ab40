import { useDeferredValue, useMemo, useState } from "react";
import { provenMs, useMeasurements } from "../../call/measurements.ts";
import { readServices } from "../../chain/services.ts";
import { useEvery, useHead } from "../../context.tsx";
import { count, many } from "../../format.ts";
import { indexedServices } from "../../index/services.ts";
import type { Listing, ServiceRow } from "../../model.ts";
import { goTo, linkTo, usePlace } from "../../router.ts";
import { useEither } from "../../useEither.ts";
import { SourceLine } from "../../ui/source.tsx";
import { Table } from "../../ui/table.tsx";
import { GradeLegend } from "../../ui/text.tsx";
import { columnsOf } from "./columns.tsx";
import { Compare, MOST_COMPARED } from "./compare.tsx";
import { filterOf, matches, type Filter } from "./filter.ts";

/** Search, sort, filter, compare. The filter is in the address, so that it can be sent to somebody. */
export function Services() {
  const head = useHead();
  const every = useEvery(15);
  const { query } = usePlace();
  const filter = useMemo(() => filterOf(query), [query]);
  const [compared, setCompared] = useState<ReadonlySet<bigint>>(new Set());
  const reading = useEither<Listing<ServiceRow>>(
    "services",
    every,
    (index, signal) => indexedServices(index, head.epoch, head.timestamp, signal),
    (sources, signal) => readServices(sources, head, signal),
  );
  const measurements = useMeasurements();
  const listing = reading.value?.value;
  const wanted = useDeferredValue(filter);
  const rows = useMemo(
    () => (listing?.rows ?? []).filter((row) => matches(row, wanted)),
    [listing, wanted],
  );
  const columns = useMemo(
    () =>
      columnsOf(
        compared,
        (number) => {
          setCompared((before) => {
            const next = new Set(before);
            if (!next.delete(number) && next.size < MOST_COMPARED) next.add(number);
            return next;
          });
        },
        (number) => provenMs(measurements.get(number)),
      ),
    [compared, measurements],
  );
  // Only the index adds up what users have paid.
  const hasPaid = rows.some(({ redeemed }) => redeemed !== undefined);
  const kinds = [...new Set((listing?.rows ?? []).flatMap(({ kind }) => kind?.name ?? []))].sort();
  return (
    <>
      <div className="page-head">
        <h1>Services</h1>
        <SourceLine reading={reading} leftOut={listing?.leftOut} />
      </div>
      <Filters filter={filter} kinds={kinds} />
      {compared.size > 0 && (
        <Compare
          rows={(listing?.rows ?? []).filter(({ number }) => compared.has(number))}
          clear={() => {
            setCompared(new Set());
          }}
        />
      )}
      {listing !== undefined && (
        <section>
          <p className="muted" role="status">
            {count(rows.length)} of {many(listing.rows.length, "service")}
          </p>
          <GradeLegend />
          <Table
            caption="Services"
            columns={hasPaid ? columns : columns.filter(({ key }) => key !== "paid")}
            rows={rows}
            rowKey={({ number }) => number.toString()}
            initial={{ key: "grade", descending: true }}
            empty="No service matches."
          />
        </section>
      )}
    </>
  );
}

function Filters({ filter, kinds }: { filter: Filter; kinds: readonly string[] }) {
  const change = (part: Partial<Filter>) => {
    const { text, kind, status, grade, way } = { ...filter, ...part };
    goTo(linkTo(["services"], { text, kind, status, grade, way }), { replace: true });
  };
  return (
    <form
      className="filters"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
      }}
    >
      <label className="field field-wide">
        Label, number, owner or ID
        <input
          type="search"
          value={filter.text}
          maxLength={80}
          spellCheck={false}
          onChange={(event) => {
            change({ text: event.target.value });
          }}
        />
      </label>
      <Choice
        name="Class"
        value={filter.kind}
        options={[["", "All"], ...kinds.map((kind): [string, string] => [kind, kind])]}
        choose={(kind) => {
          change({ kind });
        }}
      />
      <Choice
        name="Last grade"
        value={filter.grade}
        options={[
          ["", "Any"],
          ["3", "Excellent"],
          ["2", "Good or better"],
          ["1", "Poor or better"],
          ["0", "Failed"],
        ]}
        choose={(grade) => {
          change({ grade });
        }}
      />
      <Choice
        name="Status"
        value={filter.status}
        options={[
          ["", "Any"],
          ["Active", "Active"],
          ["inactive", "Not active"],
        ]}
        choose={(status) => {
          change({ status });
        }}
      />
      <Choice
        name="Reached"
        value={filter.way}
        options={[
          ["", "Any way"],
          ["direct", "Direct"],
          ["relayed", "By a relay only"],
          ["none", "No record"],
        ]}
        choose={(way) => {
          change({ way });
        }}
      />
    </form>
  );
}

function Choice(props: {
  name: string;
  value: string;
  options: readonly (readonly [string, string])[];
  choose: (value: string) => void;
}) {
  return (
    <label className="field">
      {props.name}
      <select
        value={props.value}
        onChange={(event) => {
          props.choose(event.target.value);
        }}
      >
        {props.options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
