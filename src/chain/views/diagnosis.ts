/** A cause of poor grades, now or later, and its remedy. */
export interface Diagnosis {
  /** Stable, for programs. */
  code: string;
  /** `problem`: it lowers pay now; `notice`: it will, or it did. */
  severity: "problem" | "notice";
  what: string;
  remedy: string;
  /** The epochs that it explains, oldest first. */
  epochs?: readonly number[];
}
