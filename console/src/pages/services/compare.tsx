import type { ReactNode } from "react";
import { bloc, milliseconds, percent } from "../../format.ts";
import { FromHere, PriceFromHere, useMeasure, WayFromHere } from "../../call/ui/measured.tsx";
import type { ServiceRow } from "../../model.ts";
import { Section } from "../../ui/stat.tsx";
import { Foreign, GradeMark, GradeStrip } from "../../ui/text.tsx";
import { Ways } from "./columns.tsx";
import { lastGrade, latencyBound } from "./filter.ts";
import { ServiceName } from "./name.tsx";

/** Services beside one another. */
export const MOST_COMPARED = 4;

const lines: readonly [string, (row: ServiceRow) => ReactNode][] = [
  ["Class", ({ kind }) => kind?.name ?? "–"],
  ["Status", ({ status }) => status],
  ["Last grade", (row) => <GradeMark verdict={lastGrade(row) ?? null} />],
  ["Last verdicts", ({ verdicts }) => <GradeStrip epochs={verdicts} />],
  ["Excellent of the last epochs", (row) => share(row)],
  ["Answers within, by its last grade", (row) => milliseconds(latencyBound(row))],
  ["From here", ({ number }) => <FromHere number={number} />],
  ["Price, BLOC, told from here", ({ number }) => <PriceFromHere number={number} />],
  ["Reached from here", ({ number }) => <WayFromHere number={number} />],
  ["Reached by its record", ({ endpoints }) => <Ways endpoints={endpoints} />],
  ["Stake, BLOC", ({ stake }) => bloc(stake, 0)],
  ["Paid by users, BLOC", ({ redeemed }) => (redeemed === undefined ? "–" : bloc(redeemed))],
  ["Emission, BLOC", ({ rewards }) => (rewards === undefined ? "–" : bloc(rewards))],
  ["Open challenge", ({ hasOpenChallenge }) => (hasOpenChallenge ? "yes" : "no")],
  [
    "Description",
    ({ metadata }) => (metadata === "" ? "–" : <Foreign value={metadata} longest={60} />),
  ],
];

/** Up to four services beside one another. */
export function Compare({ rows, clear }: { rows: readonly ServiceRow[]; clear: () => void }) {
  const measure = useMeasure();
  return (
    <Section
      title="Compare"
      aside={
        <div className="filters">
          <button
            type="button"
            onClick={() => {
              for (const { number } of rows) measure(number);
            }}
          >
            Ask all from here
          </button>
          <button type="button" onClick={clear}>
            Close
          </button>
        </div>
      }
    >
      {/* Its own scrolling can be reached by the keyboard. */}
      <div className="compare" tabIndex={0} role="group" aria-label="Comparison">
        <table>
          <caption className="hidden">Services beside one another</caption>
          <thead>
            <tr>
              <td />
              {rows.map((row) => (
                <th key={row.number.toString()} scope="col">
                  <ServiceName row={row} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {lines.map(([name, cell]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {rows.map((row) => (
                  <td key={row.number.toString()}>{cell(row)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}

function share({ verdicts }: ServiceRow): string {
  const known = verdicts.filter(({ verdict }) => verdict !== null && verdict !== undefined);
  return percent(known.filter(({ verdict }) => verdict === 3).length, known.length);
}
