import type { Writable } from "node:stream";

/** Maximum bytes of waiting log lines; further lines are dropped. */
const MAX_WAITING = 1024 * 1024;

/**
 * The destination of log lines. It never waits for the reader: if a pipe or socket is not read, lines are dropped and
 * the process continues. Dropped lines are counted, and logged once lines are read again.
 */
export class LogSink {
  readonly #out: Pick<Writable, "write" | "writableLength">;
  readonly #dropped: (lines: number) => void;
  readonly #most: number;
  readonly #format: (line: string) => string;
  #unsaid = 0;

  /**
   * @param options.dropped Counts lines that were dropped.
   * @param options.format Makes each line of JSON what is written; by default it stays as it is.
   */
  constructor(
    out: Pick<Writable, "write" | "writableLength">,
    options: {
      dropped?: (lines: number) => void;
      most?: number;
      format?: (line: string) => string;
    } = {},
  ) {
    this.#out = out;
    this.#dropped = options.dropped ?? (() => undefined);
    this.#most = options.most ?? MAX_WAITING;
    this.#format = options.format ?? ((line) => line);
  }

  /** Whether lines wait for their reader. */
  get isWaiting(): boolean {
    return this.#out.writableLength > 0;
  }

  write(line: string): void {
    if (this.#out.writableLength + line.length > this.#most) {
      this.#unsaid += 1;
      this.#dropped(1);
      return;
    }
    if (this.#unsaid > 0) this.#say();
    this.#out.write(this.#format(line));
  }

  #say(): void {
    const notice = {
      level: "warn",
      msg: "the log was not read, lines were dropped",
      lines: this.#unsaid,
    };
    this.#unsaid = 0;
    this.#out.write(this.#format(`${JSON.stringify(notice)}\n`));
  }
}

/** Maximum wait for the reader of the last lines at the end of the process, milliseconds. */
const LAST_LINES_MS = 1_000;

/** Lets the process end even if its last lines are not read. */
export function leaveInTime(sink: Pick<LogSink, "isWaiting">): void {
  if (!sink.isWaiting) return;
  setTimeout(() => {
    process.exit();
  }, LAST_LINES_MS).unref();
}
