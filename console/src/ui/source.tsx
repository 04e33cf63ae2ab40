import type { From } from "../useEither.ts";
import type { Reading } from "../useRead.ts";
import { Failure, Notice } from "./notice.tsx";

/** Stands where figures come. */
export function Waiting() {
  return (
    <p className="muted" aria-busy="true">
      Reading…
    </p>
  );
}

/** What is shown of a reading: a failure, the time of waiting, or where the figures are from. */
export function SourceLine<T>({
  reading,
  leftOut,
}: {
  reading: Reading<From<T>>;
  leftOut?: string | undefined;
}) {
  const { value, failure } = reading;
  if (value === undefined) {
    return failure === undefined ? <Waiting /> : <Failure failure={failure} />;
  }
  return (
    <>
      {failure !== undefined && (
        <Notice kind="warning" title="These figures are of an earlier moment">
          The newest read failed: {failure.message}
        </Notice>
      )}
      {(value.whyNot !== undefined || leftOut !== undefined) && (
        <p className="muted source">
          {value.whyNot !== undefined && (
            <>
              Read from the chain, because the index{" "}
              {value.whyNot === "INDEX_BEHIND" ? "is far behind" : "fails"} ({value.whyNot}).{" "}
            </>
          )}
          {leftOut !== undefined && <>Left out: {leftOut}.</>}
        </p>
      )}
    </>
  );
}
