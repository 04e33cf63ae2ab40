import { formatEther, type Address } from "viem";
import { epochStart } from "@protocol/epoch.ts";
import { readAuditor, type AuditorDetail } from "../../chain/auditor.ts";
import { readRounds, ROUNDS_READ, unclaimedOf } from "../../chain/auditors.ts";
import { readUnclaimedPay, type UnclaimedPays } from "../../chain/unclaimed.ts";
import { useEvery, useHead, useSources } from "../../context.tsx";
import { bloc, many, percent } from "../../format.ts";
import { indexedRounds } from "../../index/auditors.ts";
import type { AuditorRoundRow } from "../../model.ts";
import { useEither } from "../../useEither.ts";
import { useRead } from "../../useRead.ts";
import { Failure, Notice } from "../../ui/notice.tsx";
import { SourceLine, Waiting } from "../../ui/source.tsx";
import { Section, Stat, Stats } from "../../ui/stat.tsx";
import { ActLink } from "../../ui/actLink.tsx";
import { Id, TimeAgo } from "../../ui/text.tsx";
import { Rounds } from "./rounds.tsx";

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
  const unclaimed = unclaimedOf(rounds ?? [], head.epoch);
  const open = unclaimed.map(({ epoch }) => epoch);
  const expected = useRead(
    `unclaimed of ${auditor}`,
    rounds === undefined ? "" : `${head.epoch}: ${open.join()}`,
    (signal) => readUnclaimedPay(sources, head, auditor, open, signal),
  );
  // What was counted may be of the rounds that were open before.
  const counted = expected.value;
  const isCounted = open.every(
    (epoch) => counted?.pays.has(epoch) === true || counted?.notCounted.includes(epoch) === true,
  );
  const figures = { rounds, unclaimed, expected: isCounted ? counted : undefined };
  return (
    <>
      <div className="page-head">
        <h1>Auditor</h1>
        <Id value={auditor} whole />
      </div>
      {failure !== undefined && <Failure failure={failure} />}
      {detail !== undefined && <Warnings {...figures} detail={detail} epoch={head.epoch} />}
      {detail === undefined ? (
        failure === undefined && <Waiting />
      ) : (
        <Figures {...figures} detail={detail} epoch={head.epoch} />
      )}
      <Section title="Rounds">
        <SourceLine
          reading={reading}
          leftOut={
            reading.value?.source === "chain" && head.epoch > ROUNDS_READ
              ? `epochs before the last ${ROUNDS_READ}`
              : undefined
          }
        />
        {expected.failure !== undefined && (
          <Notice kind="info" title="What the open rounds would pay is not known">
            {expected.failure.message}
          </Notice>
        )}
        {rounds !== undefined && (
          <div aria-busy={!isCounted && expected.failure === undefined}>
            <Rounds auditor={auditor} rounds={rounds} pays={figures.expected?.pays} />
          </div>
        )}
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
            <dt>Stake of this auditor</dt>
            <dd>
              <ActLink act="stake-auditor">Stake more</ActLink>{" "}
              <ActLink act="unstake-auditor">Unstake</ActLink>
            </dd>
            {detail.unbonding.map(({ amount, releaseAt }, index) => (
              <div key={index} className="facts-row">
                <dt>Unbonding</dt>
                <dd>
                  {bloc(amount)} BLOC, <TimeAgo seconds={releaseAt} />{" "}
                  {releaseAt <= head.timestamp && (
                    <ActLink act="withdraw-auditor-stake">Withdraw</ActLink>
                  )}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      )}
    </>
  );
}

interface FiguresProps {
  detail: AuditorDetail;
  rounds: readonly AuditorRoundRow[] | undefined;
  unclaimed: readonly AuditorRoundRow[];
  expected: UnclaimedPays | undefined;
  epoch: number;
}

/** What rounds would pay, as far as it was counted. */
function expectedOf(
  rounds: readonly AuditorRoundRow[],
  expected: UnclaimedPays | undefined,
): string {
  if (expected === undefined) return "their pay is being counted";
  const due = rounds.reduce((sum, { epoch }) => sum + (expected.pays.get(epoch)?.due ?? 0n), 0n);
  const isWhole = rounds.every(({ epoch }) => expected.pays.has(epoch));
  return `${isWhole ? "" : "at least "}${bloc(due)} BLOC expected`;
}

function Warnings({ detail, unclaimed, expected, epoch }: FiguresProps) {
  const { lapse, operatorBalance } = detail;
  const ending = unclaimed.filter(({ claimBy }) => claimBy - epoch < NEAR);
  return (
    <>
      {lapse !== undefined && lapse.lapsableFrom - epoch <= NEAR && (
        <Notice
          kind="warning"
          title={`The auditor can be taken out of the draw from epoch ${lapse.lapsableFrom} on`}
        >
          It has missed {many(lapse.missed, "epoch")} with a seed. One reveal begins the count
          again.
        </Notice>
      )}
      {ending.length > 0 && (
        <Notice kind="warning" title={`Pay of ${many(ending.length, "round")} is lost soon`}>
          {expectedOf(ending, expected)}. The first can be claimed until epoch {ending[0]?.claimBy}.
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

function Figures({ detail, rounds = [], unclaimed, expected, epoch }: FiguresProps) {
  const { deployment } = useSources().config;
  const { auditor } = detail;
  const votes = rounds.reduce((sum, round) => sum + round.votes, 0);
  const paid = rounds.reduce((sum, round) => sum + round.paidVotes, 0);
  const earned = rounds.reduce((sum, round) => sum + round.reward, 0n);
  const [first] = unclaimed;
  const isOver = (first?.claimBy ?? epoch) + 1;
  return (
    <Stats>
      <Stat
        name="Stake"
        unit="BLOC"
        note={`${percent(detail.share, 1)} of all; weight ${detail.weight.toFixed(2)} in each shard`}
      >
        {bloc(detail.stake, 0)}
      </Stat>
      <Stat name="Earned" unit="BLOC" note={`in ${many(rounds.length, "round")}`}>
        {bloc(earned)}
      </Stat>
      <Stat name="Votes paid" note={`${paid} of ${votes}`}>
        {percent(paid, votes)}
      </Stat>
      <Stat
        name="To collect"
        unit="BLOC"
        note={
          <>
            claimed; it is kept without an end
            {detail.uncollected > 0n && (
              <>
                .{" "}
                <ActLink act="collect" values={{ auditor }}>
                  Collect
                </ActLink>
              </>
            )}
          </>
        }
      >
        {bloc(detail.uncollected)}
      </Stat>
      <Stat
        name="Rounds to claim"
        note={
          first === undefined ? (
            "none is open"
          ) : (
            <>
              {expectedOf(unclaimed, expected)}; the oldest until epoch {first.claimBy}, which ends{" "}
              <TimeAgo seconds={epochStart(deployment, isOver)} />
            </>
          )
        }
      >
        {unclaimed.length}
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
