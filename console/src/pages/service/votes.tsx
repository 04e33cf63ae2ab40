import type { ServiceDetail } from "../../chain/service.ts";
import { readVotes, type Vote } from "../../chain/votes.ts";
import { useHead, useSources } from "../../context.tsx";
import { linkTo } from "../../router.ts";
import { useRead } from "../../useRead.ts";
import { Failure } from "../../ui/notice.tsx";
import { Table, type Column } from "../../ui/table.tsx";
import { GradeMark, Id } from "../../ui/text.tsx";

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
    (signal) => readVotes(sources, head, service, epoch, signal),
  );
  return (
    <div className="votes" role="region" aria-label={`Votes of epoch ${epoch}`}>
      <h3>Votes of epoch {epoch}, from the calldata of the reveals</h3>
      {failure !== undefined && <Failure failure={failure} />}
      {value === undefined && failure === undefined && <p aria-busy="true">Reading…</p>}
      {value !== undefined && (
        <>
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
