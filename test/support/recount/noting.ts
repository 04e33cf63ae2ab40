import type { About, Value } from "./figures.ts";
import type { Contracts } from "./record.ts";
import type { Replay } from "./replay.ts";

/** A shorter way to note figures that a view shows; of an answer of several values, each by its place or name. */
export function noting(replay: Replay) {
  return (
    about: About,
    contract: keyof Contracts,
    functionName: string,
    args: readonly unknown[],
    expected: Readonly<Record<string, Value>> | Value,
  ) => {
    const question = { contract, functionName, args };
    const { figures } = replay.books;
    if (typeof expected !== "object" || expected === null) {
      figures.ask(about, expected, question);
      return;
    }
    for (const [pick, value] of Object.entries(expected)) {
      figures.ask({ ...about, what: `${about.what}, ${pick}` }, value, { ...question, pick });
    }
  };
}
