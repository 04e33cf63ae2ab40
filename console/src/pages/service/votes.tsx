import { useEffect, useRef } from "react";
import { epochStart } from "@protocol/epoch.ts";
import type { ServiceDetail } from "../../chain/service.ts";
import { newestAt, readAnnounced } from "../../chain/records.ts";
import { readVotes, type Vote } from "../../chain/votes.ts";
import { useHead, useSources } from "../../context.tsx";
import { linkTo } from "../../router.ts";
import { useRead } from "../../useRead.ts";
import { Failure } from "../../ui/notice.tsx";
import { Waiting } from "../../ui/source.tsx";
import { Table, type Column } from "../../ui/table.tsx";
import { Foreign, GradeMark, Id } from "../../ui/text.tsx";

const columns: readonly Column<Vote>[] = [
  {
    key: "auditor",
    title: "Auditor",
    cell: ({ auditor }) => <Id value={auditor} href={linkTo(["auditors", auditor])} />,
  },
  {
    key: "vote",
    title: "Vote",
    cell: ({ vote }) =>
      vote === null ? <span className="muted">no vote</span> : <GradeMark verdict={vote} />,
    sort: ({ vote }) => vote ?? -1,
  },
  {
    key: "transaction",
    title: "Revealed by",
    cell: ({ transaction }) => <Id value={transaction} />,
  },
];

/** Who voted what in an epoch, read from the calldata of the reveals. */
export function Votes({ service, epoch }: { service: ServiceDetail; epoch: number }) {
  const sources = useSources();
  const head = useHead();
  const isFinal = epoch + 2 <= head.epoch;
  const { value, failure } = useRead(
    `votes ${service.number}/${epoch}`,
    isFinal ? "final" : head.number,
    async (signal) => {
      const read = await readVotes(sources, head, service, epoch, signal);
      const { records } = await readAnnounced(sources, head, signal, service.number);
      const end = epochStart(sources.config.deployment, epoch + 1);
      return {
        ...read,
        then: newestAt(records, { number: service.number, key: service.key.next }, end),
      };
    },
  );
  const region = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // It may be above what is seen of a long table.
    region.current?.scrollIntoView({ block: "nearest" });
  }, []);
  return (
    <div ref={region} className="votes" role="region" aria-label={`Votes of epoch ${epoch}`}>
      <h3>Votes of epoch {epoch}, from the calldata of the reveals</h3>
      {failure !== undefined && <Failure failure={failure} />}
      {value === undefined && failure === undefined && <Waiting />}
      {value !== undefined && (
        <>
          <p className="muted">
            {value.then === undefined ? (
              "No record of the last day was announced before the end of this epoch."
            ) : (
              <>
                The endpoint announced then:{" "}
                <code>
                  <Foreign value={value.then.record.endpoints[0]?.uri ?? ""} longest={90} />
                </code>
                . A later record of the record network may have named another.
              </>
            )}
          </p>
          {!value.isWhole && <p className="muted">Only the first 100 transactions were read.</p>}
          <Table
            caption={`Votes of epoch ${epoch}`}
            columns={columns}
            rows={value.votes}
            rowKey={({ auditor, transaction }) => `${auditor} ${transaction}`}
            empty="No votes were revealed for this epoch, or not by a direct call of the contract."
          />
        </>
      )}
    </div>
  );
}
