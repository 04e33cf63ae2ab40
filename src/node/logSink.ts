import type { Writable } from "node:stream";

/** Bytes of log lines that wait for their reader; what comes beyond them is dropped. */
const MAX_WAITING = 1024 * 1024;

/**
 * Where log lines go. It never waits for their reader: a pipe or a socket that nobody empties costs lines, and
 * not the work of the process. What was dropped is counted, and said once lines are read again.
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
      msg: "nobody read the log: lines were dropped",
      lines: this.#unsaid,
    };
    this.#unsaid = 0;
    this.#out.write(this.#format(`${JSON.stringify(notice)}\n`));
  }
}

/** How long the last lines wait for their reader when the process is done, milliseconds. */
const LAST_LINES_MS = 1_000;

/** Lets the process end though nobody reads its last lines. */
export function leaveInTime(sink: Pick<LogSink, "isWaiting">): void {
  if (!sink.isWaiting) return;
  setTimeout(() => {
    process.exit();
  }, LAST_LINES_MS).unref();
}
