import { readEpochRows } from "../../chain/epochs.ts";
import { phaseAt } from "../../chain/head.ts";
import { useEvery, useHead, useSources } from "../../context.tsx";
import { duration, many } from "../../format.ts";
import { useRead, type Reading } from "../../useRead.ts";
import { Failure } from "../../ui/notice.tsx";
import { useChainTime } from "../../ui/now.ts";
import { Section } from "../../ui/stat.tsx";

/** Epochs whose rounds are under way, and one more. */
const UNDER_WAY = 4;

/** The epochs under way, from the chain. */
export type UnderWay = Awaited<ReturnType<typeof readEpochRows>>;

/** Reads the epochs under way from the chain, also beside an index, which is a little behind. */
export function useUnderWay(): Reading<UnderWay> {
  const sources = useSources();
  const head = useHead();
  return useRead("rounds under way", useEvery(2), (signal) =>
    readEpochRows(sources, head, UNDER_WAY, signal),
  );
}

/**
 * What auditors do now: one epoch is inspected, the one before it revealed, the one before that claimed.
 */
export function Rounds({ reading: { value, failure } }: { reading: Reading<UnderWay> }) {
  const { config } = useSources();
  const rows = value?.rows;
  const { epoch, left } = phaseAt(config.deployment, useChainTime());
  const row = (wanted: number) => rows?.find((each) => each.epoch === wanted);
  const inspected = row(epoch);
  const revealed = row(epoch - 1);
  const claimed = row(epoch - 2);
  // How many auditors take part is known from the round before.
  const usual = Math.max(revealed?.committed ?? 0, inspected?.committed ?? 0);
  return (
    <Section
      title="What auditors do now"
      aside={<span className="muted number">next epoch in {duration(left)}</span>}
    >
      {failure !== undefined && <Failure failure={failure} />}
      <ol className="stages" aria-busy={rows === undefined && failure === undefined}>
        <Stage
          isFailing={failure !== undefined}
          epoch={epoch}
          verb="Inspect and commit"
          done={inspected?.committed}
          of={usual}
          unit="committed"
          note={
            inspected?.hasSeed === true
              ? "The seed of the draw is recorded."
              : "The seed of the draw is in the first block; its record on chain is due."
          }
        />
        <Stage
          isFailing={failure !== undefined}
          epoch={epoch - 1}
          verb="Reveal the votes"
          done={revealed?.revealed}
          of={revealed?.committed}
          unit="revealed"
          note={revealed === undefined ? undefined : `${many(revealed.votes, "vote")} so far.`}
        />
        <Stage
          isFailing={failure !== undefined}
          epoch={epoch - 2}
          verb="Claim the pay"
          done={claimed?.claimed}
          of={claimed?.revealed}
          unit="claimed"
          note={
            claimed === undefined
              ? undefined
              : `${claimed.paidVotes} of ${many(claimed.votes, "vote")} paid. The verdicts are final.`
          }
        />
      </ol>
    </Section>
  );
}

function Stage(props: {
  epoch: number;
  verb: string;
  done: number | undefined;
  of: number | undefined;
  unit: string;
  note: string | undefined;
  isFailing: boolean;
}) {
  const { epoch, verb, done, of, unit, note, isFailing } = props;
  if (epoch < 0) return null;
  const isKnown = done !== undefined && of !== undefined;
  return (
    <li className="stage">
      <div className="stage-head">
        <span className="muted number">Epoch {epoch}</span>
        <strong>{verb}</strong>
      </div>
      <progress
        className="stage-bar"
        max={Math.max(1, of ?? 1)}
        value={done ?? 0}
        aria-label={`${verb}, epoch ${epoch}`}
      />
      <div className="number">
        {isKnown ? (
          <>
            <b>{done}</b> of {many(Math.max(of, done), "auditor")} {unit}
          </>
        ) : (
          <span className="muted">{isFailing ? "could not be read" : "reading…"}</span>
        )}
      </div>
      {note !== undefined && <div className="stage-note muted">{note}</div>}
    </li>
  );
}
