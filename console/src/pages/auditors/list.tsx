import { CLAIM_EPOCHS, LAPSE_EPOCHS, readAuditors, ROUNDS_READ } from "../../chain/auditors.ts";
import { useEvery, useHead } from "../../context.tsx";
import { bloc, count, many, percent } from "../../format.ts";
import { indexedAuditors } from "../../index/auditors.ts";
import type { AuditorRow, Listing } from "../../model.ts";
import { linkTo } from "../../router.ts";
import { useEither } from "../../useEither.ts";
import { SourceLine } from "../../ui/source.tsx";
import { Table, type Column } from "../../ui/table.tsx";
import { Id } from "../../ui/text.tsx";

/** Missed epochs after which the list says that a lapse is near. */
const NEAR_LAPSE = 8;

function columnsFor(epoch: number): readonly Column<AuditorRow>[] {
  return [
    {
      key: "auditor",
      title: "Auditor",
      cell: ({ auditor }) => <Id value={auditor} href={linkTo(["auditors", auditor])} />,
      sort: ({ auditor }) => auditor.toLowerCase(),
    },
    {
      key: "stake",
      title: "Stake, BLOC",
      cell: ({ stake }) => bloc(stake, 0),
      sort: ({ stake }) => stake,
      isNumber: true,
    },
    {
      key: "rounds",
      title: "Rounds",
      cell: ({ rounds, revealed }) =>
        rounds === revealed ? count(rounds) : `${count(rounds)}, ${count(revealed)} revealed`,
      sort: ({ rounds }) => rounds,
      isNumber: true,
    },
    {
      key: "paid",
      title: "Votes paid",
      cell: ({ votes, paidVotes }) => percent(paidVotes, votes),
      sort: ({ votes, paidVotes }) => (votes === 0 ? -1 : paidVotes / votes),
      isNumber: true,
    },
    {
      key: "earned",
      title: "Earned, BLOC",
      cell: ({ rewards }) => bloc(rewards),
      sort: ({ rewards }) => rewards,
      isNumber: true,
    },
    {
      key: "uncollected",
      title: "To collect",
      cell: ({ uncollected }) => bloc(uncollected),
      sort: ({ uncollected }) => uncollected,
      isNumber: true,
    },
    {
      key: "unclaimed",
      title: "To claim",
      cell: ({ unclaimed, claimBy }) =>
        claimBy === undefined ? "–" : `${many(unclaimed, "round")}, until epoch ${claimBy}`,
      sort: ({ unclaimed }) => unclaimed,
      isNumber: true,
    },
    {
      key: "state",
      title: "State",
      cell: (row) => <State row={row} epoch={epoch} />,
      sort: (row) => stateOf(row, epoch),
    },
  ];
}

/** All auditors. */
export function Auditors() {
  const head = useHead();
  const every = useEvery(15);
  const reading = useEither<Listing<AuditorRow>>(
    "auditors",
    every,
    (index, signal) => indexedAuditors(index, head.epoch, signal),
    (sources, signal) => readAuditors(sources, head, signal),
  );
  const found = reading.value;
  return (
    <>
      <div className="page-head">
        <h1>Auditors</h1>
        <SourceLine reading={reading} leftOut={found?.value.leftOut} />
      </div>
      <p className="muted">
        {found?.source === "chain" &&
          `Rounds and pay are those of the last ${ROUNDS_READ} epochs. `}
        Pay can be claimed for {CLAIM_EPOCHS} epochs after an audit, and is kept until it is
        collected. An auditor that misses {LAPSE_EPOCHS} epochs can be taken out of the draw.
      </p>
      {found !== undefined && (
        <Table
          caption="Auditors"
          columns={columnsFor(head.epoch)}
          rows={found.value.rows}
          rowKey={({ auditor }) => auditor}
          initial={{ key: "stake", descending: true }}
          empty="No auditor has enrolled yet."
        />
      )}
    </>
  );
}

function stateOf({ isEnrolled, enrolledSince, lastRevealed }: AuditorRow, epoch: number): string {
  if (!isEnrolled) return "not enrolled";
  if (enrolledSince > epoch) return `counts from epoch ${enrolledSince} on`;
  // The round of the previous epoch is revealed in this one.
  const missed = epoch - 2 - Math.max(lastRevealed ?? 0, enrolledSince - 1);
  return missed >= NEAR_LAPSE ? `silent for ${missed} epochs` : "in the draw";
}

function State({ row, epoch }: { row: AuditorRow; epoch: number }) {
  const state = stateOf(row, epoch);
  return <span className={state.startsWith("silent") ? "warn" : undefined}>{state}</span>;
}
