import { useMemo } from "react";
import { formatEther, type Address } from "viem";
import { epochStart } from "@protocol/epoch.ts";
import { readAuditor, type AuditorDetail } from "../../chain/auditor.ts";
import { readRounds, ROUNDS_READ } from "../../chain/auditors.ts";
import { useEvery, useHead, useSources } from "../../context.tsx";
import { bloc, percent } from "../../format.ts";
import { indexedRounds } from "../../index/auditors.ts";
import type { AuditorRoundRow } from "../../model.ts";
import { linkTo } from "../../router.ts";
import { useEither } from "../../useEither.ts";
import { useRead } from "../../useRead.ts";
import { Failure, Notice } from "../../ui/notice.tsx";
import { SourceLine } from "../../ui/source.tsx";
import { Section, Stat, Stats } from "../../ui/stat.tsx";
import { Table, type Column } from "../../ui/table.tsx";
import { Id, TimeAgo } from "../../ui/text.tsx";

/** Rounds that the index is asked for: all that can still be claimed, and more. */
const INDEX_ROUNDS = 300;
/** Epochs before a lapse, or before the end of a claim, from which on the page warns. */
const NEAR = 8;

/** An auditor: stake, rounds, pay with its deadlines, and how near a lapse is. */
export function Auditor({ auditor }: { auditor: Address }) {
  const sources = useSources();
  const head = useHead();
  const every = useEvery(4);
  const { value: detail, failure } = useRead(`auditor ${auditor}`, head.number, () =>
    readAuditor(sources, head, auditor),
  );
  const reading = useEither<readonly AuditorRoundRow[]>(
    `rounds of ${auditor}`,
    every,
    (index, signal) => indexedRounds(index, auditor, INDEX_ROUNDS, signal),
    async (from, signal) => (await readRounds(from, head, signal, auditor)).get(auditor) ?? [],
  );
  const rounds = reading.value?.value;
  const unclaimed = rounds?.filter(
    ({ state, epoch, claimBy }) =>
      state === "revealed" && epoch + 2 <= head.epoch && claimBy >= head.epoch,
  );
  return (
    <>
      <div className="page-head">
        <h1>Auditor</h1>
        <Id value={auditor} whole />
      </div>
      {failure !== undefined && <Failure failure={failure} />}
      {detail !== undefined && (
        <Warnings detail={detail} unclaimed={unclaimed} epoch={head.epoch} />
      )}
      {detail !== undefined && <Figures detail={detail} rounds={rounds} unclaimed={unclaimed} />}
      <Section title="Rounds">
        <SourceLine
          reading={reading}
          leftOut={
            reading.value?.source === "chain" && head.epoch > ROUNDS_READ
              ? `epochs before the last ${ROUNDS_READ}`
              : undefined
          }
        />
        {rounds !== undefined && <Rounds rounds={rounds} epoch={head.epoch} />}
      </Section>
      {detail !== undefined && (
        <section>
          <h2>Settings</h2>
          <dl className="facts">
            <dt>Operator</dt>
            <dd>{detail.operator === undefined ? "none" : <Id value={detail.operator} whole />}</dd>
            <dt>Its ether</dt>
            <dd className="number">
              {detail.operatorBalance === undefined
                ? "–"
                : Number(formatEther(detail.operatorBalance)).toFixed(4)}
            </dd>
            <dt>In the draw since epoch</dt>
            <dd>{detail.enrolledSince === 0 ? "not enrolled" : detail.enrolledSince}</dd>
            {detail.unbonding.map(({ amount, releaseAt }, index) => (
              <div key={index} className="facts-row">
                <dt>Unbonding</dt>
                <dd>
                  {bloc(amount)} BLOC, <TimeAgo seconds={releaseAt} />
                </dd>
              </div>
            ))}
          </dl>
        </section>
      )}
    </>
  );
}

function Warnings(props: {
  detail: AuditorDetail;
  unclaimed: readonly AuditorRoundRow[] | undefined;
  epoch: number;
}) {
  const { detail, unclaimed = [], epoch } = props;
  const { lapse, operatorBalance } = detail;
  const ending = unclaimed.filter(({ claimBy }) => claimBy - epoch < NEAR);
  return (
    <>
      {lapse !== undefined && lapse.lapsableFrom - epoch <= NEAR && (
        <Notice
          kind="warning"
          title={`The auditor can be taken out of the draw from epoch ${lapse.lapsableFrom} on`}
        >
          It has missed {lapse.missed} epochs with a seed. One reveal begins the count again.
        </Notice>
      )}
      {ending.length > 0 && (
        <Notice kind="warning" title={`Pay of ${ending.length} rounds is lost soon`}>
          The first can be claimed until epoch {Math.min(...ending.map(({ claimBy }) => claimBy))}.
        </Notice>
      )}
      {operatorBalance === 0n && (
        <Notice kind="warning" title="The operator has no ether">
          It cannot commit, reveal or claim.
        </Notice>
      )}
    </>
  );
}

function Figures(props: {
  detail: AuditorDetail;
  rounds: readonly AuditorRoundRow[] | undefined;
  unclaimed: readonly AuditorRoundRow[] | undefined;
}) {
  const { detail, rounds = [], unclaimed } = props;
  const votes = rounds.reduce((sum, round) => sum + round.votes, 0);
  const paid = rounds.reduce((sum, round) => sum + round.paidVotes, 0);
  const earned = rounds.reduce((sum, round) => sum + round.reward, 0n);
  const first = unclaimed?.[0];
  return (
    <Stats>
      <Stat
        name="Stake"
        unit="BLOC"
        note={`${percent(detail.share, 1)} of all; weight ${detail.weight.toFixed(2)} in each shard`}
      >
        {bloc(detail.stake, 0)}
      </Stat>
      <Stat name="Earned" unit="BLOC" note={`in ${rounds.length} rounds`}>
        {bloc(earned)}
      </Stat>
      <Stat name="Votes paid" note={`${paid} of ${votes}`}>
        {percent(paid, votes)}
      </Stat>
      <Stat name="To collect" unit="BLOC" note="claimed; it is kept without an end">
        {bloc(detail.uncollected)}
      </Stat>
      <Stat
        name="Rounds to claim"
        note={first === undefined ? "none is open" : `the oldest until epoch ${first.claimBy}`}
      >
        {unclaimed?.length ?? "…"}
      </Stat>
      <Stat
        name="Missed in a row"
        note={
          detail.lapse === undefined
            ? "not enrolled"
            : `could be taken out from epoch ${detail.lapse.lapsableFrom} on`
        }
      >
        {detail.lapse?.missed ?? "–"}
      </Stat>
    </Stats>
  );
}

const states: Readonly<Record<AuditorRoundRow["state"], string>> = {
  committed: "committed",
  revealed: "to claim",
  claimed: "claimed",
  reported: "reported: slashed",
};

function Rounds({ rounds, epoch }: { rounds: readonly AuditorRoundRow[]; epoch: number }) {
  const { config } = useSources();
  const columns = useMemo(
    (): readonly Column<AuditorRoundRow>[] => [
      {
        key: "epoch",
        title: "Epoch",
        cell: (row) => <a href={linkTo(["verify", String(row.epoch)])}>{row.epoch}</a>,
        sort: (row) => row.epoch,
      },
      {
        key: "when",
        title: "Began",
        cell: (row) => <TimeAgo seconds={epochStart(config.deployment, row.epoch)} />,
      },
      {
        key: "state",
        title: "State",
        cell: (row) => stateText(row, epoch),
        sort: ({ state }) => state,
      },
      {
        key: "votes",
        title: "Votes paid",
        cell: ({ votes, paidVotes }) => `${paidVotes} of ${votes}`,
        isNumber: true,
      },
      {
        key: "reward",
        title: "Pay, BLOC",
        cell: ({ reward }) => bloc(reward),
        sort: ({ reward }) => reward,
        isNumber: true,
      },
      {
        key: "until",
        title: "Claim until",
        cell: ({ state, claimBy }) =>
          state === "claimed" || state === "reported" ? (
            "–"
          ) : (
            <>
              epoch {claimBy}, <TimeAgo seconds={epochStart(config.deployment, claimBy + 1)} />
            </>
          ),
        isNumber: true,
      },
    ],
    [config.deployment, epoch],
  );
  return (
    <Table
      caption="Rounds of the auditor, the newest first"
      columns={columns}
      rows={rounds}
      rowKey={(row) => String(row.epoch)}
      initial={{ key: "epoch", descending: true }}
      pageSize={12}
      empty="No round of these epochs."
    />
  );
}

function stateText({ state, epoch, claimBy }: AuditorRoundRow, current: number): string {
  if (state === "committed" && epoch + 2 <= current) return "not revealed";
  if (state === "revealed" && epoch + 2 > current) return "revealed";
  if (state === "revealed" && claimBy < current) return "not claimed: lost";
  return states[state];
}
