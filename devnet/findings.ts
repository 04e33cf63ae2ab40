import type { Address } from "viem";
import type { LogLine, WorkerProcess } from "./worker.ts";

/** An auditor's log entries about a service that it inspected. */
export interface Inspection {
  auditor: Address;
  grade: number;
  /** Duration of each inspection, milliseconds. */
  milliseconds: number[];
  /** Why an inspection failed. */
  reasons: string[];
}

/**
 * The auditors' log entries of an epoch. The demo's figures come from the chain; the log entries only explain
 * unexpected figures.
 */
export class Findings {
  readonly #lines: { auditor: Address; line: LogLine }[] = [];

  /** Follows an auditor's log. */
  follow(auditor: Address, worker: Pick<WorkerProcess, "onLine">): void {
    worker.onLine((line) => {
      const explains = line.msg === INSPECTED || line.level !== "debug";
      if (explains && typeof line.epoch === "number") this.#lines.push({ auditor, line });
    });
  }

  /** The inspections of a service in an epoch. */
  inspections(number: bigint, epoch: number): Inspection[] {
    return this.#lines
      .filter(({ line }) => line.msg === INSPECTED && line.epoch === epoch)
      .filter(({ line }) => line.number === number.toString())
      .map(({ auditor, line }) => ({
        auditor,
        grade: line.grade as number,
        milliseconds: line.milliseconds as number[],
        reasons: line.reasons as string[],
      }));
  }

  /** An auditor's last log message about an epoch; undefined if there is none. */
  lastSaid(auditor: Address, epoch: number): string | undefined {
    return this.#lines.findLast(({ auditor: by, line }) => by === auditor && line.epoch === epoch)
      ?.line.msg;
  }
}

const INSPECTED = "service inspected";
