import { useEvery, useHead } from "../../context.tsx";
import { readServices } from "../../chain/services.ts";
import { indexedServices } from "../../index/services.ts";
import type { Listing, ServiceRow } from "../../model.ts";
import { linkTo } from "../../router.ts";
import { useEither } from "../../useEither.ts";
import { SourceLine } from "../../ui/source.tsx";
import { Section } from "../../ui/stat.tsx";
import { Table } from "../../ui/table.tsx";
import { GradeLegend } from "../../ui/text.tsx";
import { basicColumns } from "../services/basicColumns.tsx";

const columns = Object.values(basicColumns);

/** Services with the largest stake, and their last verdicts. */
export function Newest() {
  const head = useHead();
  const every = useEvery(15);
  const reading = useEither<Listing<ServiceRow>>(
    "services",
    every,
    (index, signal) => indexedServices(index, head.epoch, head.timestamp, signal),
    (sources, signal) => readServices(sources, head, signal),
  );
  return (
    <Section
      title="Services and their last verdicts"
      aside={<a href={linkTo(["services"])}>All services</a>}
    >
      <SourceLine reading={reading} />
      <GradeLegend />
      {reading.value !== undefined && (
        <Table
          caption="Services and their last verdicts"
          columns={columns}
          rows={reading.value.value.rows}
          rowKey={({ number }) => number.toString()}
          initial={{ key: "stake", descending: true }}
          pageSize={10}
          empty="No service is registered yet."
        />
      )}
    </Section>
  );
}
