/** One thing that lowers a score, or will, and what to do about it. */
export interface Diagnosis {
  /** Stable, for programs. */
  code: string;
  /** `problem`: it costs now; `notice`: it will, or it did. */
  severity: "problem" | "notice";
  what: string;
  remedy: string;
  /** The epochs that it explains, oldest first. */
  epochs?: readonly number[];
}
