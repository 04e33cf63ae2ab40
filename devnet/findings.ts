import type { Address } from "viem";
import type { LogLine, WorkerProcess } from "./worker.ts";

/** What an auditor noted of a service that it inspected. */
export interface Inspection {
  auditor: Address;
  grade: number;
  /** How long the service took, each time. */
  milliseconds: number[];
  /** Why an inspection failed. */
  reasons: string[];
}

/**
 * What the auditors' logs say of an epoch. The demo's figures come from the chain; this only explains them
 * when they are not as they should be.
 */
export class Findings {
  readonly #lines: { auditor: Address; line: LogLine }[] = [];

  /** Takes from an auditor's log what explains an epoch. */
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

  /** The last thing that an auditor said of an epoch; undefined when it said nothing. */
  lastSaid(auditor: Address, epoch: number): string | undefined {
    return this.#lines.findLast(({ auditor: by, line }) => by === auditor && line.epoch === epoch)
      ?.line.msg;
  }
}

const INSPECTED = "service inspected";
