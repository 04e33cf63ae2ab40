import type { ReactNode } from "react";

/** A figure with its name, and what it is made of. */
export function Stat(props: {
  name: string;
  children: ReactNode;
  unit?: string;
  note?: ReactNode;
}) {
  const { name, children, unit, note } = props;
  return (
    <div className="stat">
      <dt>{name}</dt>
      <dd>
        <span className="stat-value number">{children}</span>
        {unit !== undefined && <span className="stat-unit"> {unit}</span>}
        {note !== undefined && <div className="stat-note">{note}</div>}
      </dd>
    </div>
  );
}

/** Figures beside one another. */
export function Stats({ children }: { children: ReactNode }) {
  return <dl className="stats">{children}</dl>;
}

/** A part of a page under a heading. */
export function Section(props: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <section>
      <div className="section-head">
        <h2>{props.title}</h2>
        {props.aside}
      </div>
      {props.children}
    </section>
  );
}
