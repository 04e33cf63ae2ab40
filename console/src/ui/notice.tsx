import type { ReactNode } from "react";
import type { PageError } from "../failure.ts";

export type NoticeKind = "info" | "good" | "warning" | "error";

/** A message beside the content. Its kind is a word for readers who see no colours. */
export function Notice(props: { kind: NoticeKind; title: string; children?: ReactNode }) {
  const { kind, title, children } = props;
  return (
    <div className={`notice notice-${kind}`} role={kind === "error" ? "alert" : "status"}>
      <strong>{title}</strong>
      {children !== undefined && <div>{children}</div>}
    </div>
  );
}

/** An error with its code and its remedy. */
export function Failure({ failure, what }: { failure: PageError; what?: string }) {
  return (
    <Notice kind="error" title={what ?? failure.message}>
      {what !== undefined && <p>{failure.message}</p>}
      {failure.remedy !== undefined && <p>{failure.remedy}</p>}
      <p className="muted">
        <code>{failure.code}</code>
      </p>
    </Notice>
  );
}
