import { useEffect, useState } from "react";
import { duration, gradeWord, iso, short, utc } from "../format.ts";
import { shown } from "../foreign.ts";
import type { Verdict } from "@protocol/tally.ts";
import { useChainTime } from "./now.ts";

/** An address, a hash or an ID: its two ends, and the whole of it to copy. */
export function Id({
  value,
  whole = false,
  href,
}: {
  value: string;
  whole?: boolean;
  href?: string;
}) {
  const text = whole ? value : short(value);
  return (
    <span className={whole ? "id id-whole" : "id"}>
      {href === undefined ? (
        <code title={value}>{text}</code>
      ) : (
        <a href={href} title={value}>
          <code>{text}</code>
        </a>
      )}
      <Copy value={value} />
    </span>
  );
}

/** Copies a text. */
export function Copy({ value }: { value: string }) {
  const [done, setDone] = useState<"copied" | "refused">();
  useEffect(() => {
    if (done === undefined) return;
    const timer = setTimeout(() => {
      setDone(undefined);
    }, 1_500);
    return () => {
      clearTimeout(timer);
    };
  }, [done]);
  const copy = () => {
    // Without a secure context there is no clipboard.
    const clipboard = navigator.clipboard as Clipboard | undefined;
    (clipboard?.writeText(value) ?? Promise.reject(new Error("no clipboard"))).then(
      () => {
        setDone("copied");
      },
      () => {
        setDone("refused");
      },
    );
  };
  return (
    <button type="button" className="copy" onClick={copy} aria-label={`Copy ${short(value)}`}>
      {done === undefined ? <span className="copy-mark" aria-hidden="true" /> : null}
      <span aria-live="polite">{done}</span>
    </button>
  );
}

/** A stranger's text, as text: bounded, isolated from what stands beside it, with a word about its tricks. */
export function Foreign({ value, longest }: { value: string; longest?: number }) {
  const { text, warnings } = shown(value, longest);
  return (
    <span className="foreign">
      <bdi>{text}</bdi>
      {warnings.length > 0 && <small className="warn"> ({warnings.join("; ")})</small>}
    </span>
  );
}

/** In the place of a value that there is none of; a card on a narrow screen leaves it out. */
export function None() {
  return <span className="muted none">–</span>;
}

/** A moment, as the time since or until. */
export function TimeAgo({ seconds }: { seconds: number }) {
  const now = useChainTime();
  const apart = now - seconds;
  const text = apart >= 0 ? `${duration(apart)} ago` : `in ${duration(-apart)}`;
  return (
    <time className="number" dateTime={iso(seconds)} title={utc(seconds)}>
      {text}
    </time>
  );
}

const letters = ["F", "P", "G", "E"] as const;

/** A grade: a word or a letter, never a colour alone. */
export function GradeMark({ verdict, isShort = false }: { verdict: Verdict; isShort?: boolean }) {
  const name =
    verdict === null ? "none" : (["failed", "poor", "good", "excellent"] as const)[verdict];
  const word = gradeWord(verdict);
  return (
    <span className={`grade grade-${name}`} title={word}>
      {isShort ? (verdict === null ? "·" : letters[verdict]) : word}
    </span>
  );
}

/** What the letters of strips mean. */
export function GradeLegend() {
  return (
    <p className="muted">
      Last verdicts, the newest at the right: E excellent, G good, P poor, F failed, · no quorum.
    </p>
  );
}

/** The verdicts of some epochs, oldest first. */
export function GradeStrip({
  epochs,
}: {
  epochs: readonly { epoch: number; verdict: Verdict | undefined }[];
}) {
  const known = epochs.map(({ verdict }) =>
    verdict === undefined ? "not read" : gradeWord(verdict),
  );
  return (
    <span
      className="strip"
      role="img"
      aria-label={`Verdicts, oldest first: ${known.join(", ") || "none yet"}`}
    >
      {epochs.map(({ epoch, verdict }) => (
        <span key={epoch} title={`Epoch ${epoch}`}>
          {verdict === undefined ? (
            <span className="grade grade-wait"> </span>
          ) : (
            <GradeMark verdict={verdict} isShort />
          )}
        </span>
      ))}
    </span>
  );
}
