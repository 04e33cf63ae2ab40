import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import * as z from "zod";
import type { Logger } from "../node/logger.ts";
import { Redactor } from "./redactor.ts";

/** Time that Ponder gets to end, milliseconds; its own limit is 5 s. */
const STOP_MS = 7_000;
/** Longest text of Ponder's that is logged. */
const MAX_TEXT = 300;
/** Requests of Ponder's to its only endpoint begin at 20 a second; so it gets the endpoint under this many names. */
export const ENDPOINT_NAMES = 32;

export interface PonderStart {
  /** Ponder's program, its root folder, and the name of its tables' schema. */
  program: string;
  root: string;
  schema: string;
  /** A free port on loopback for its own server. */
  port: number;
  /** Its whole environment. */
  env: Readonly<Record<string, string>>;
  /** Texts that must not reach the log. */
  secrets: readonly string[];
}

/** What Ponder's log says of its progress. */
export type PonderNews =
  | { kind: "listens"; port: number }
  | { kind: "live" }
  /** Blocks are gone that it took for final. */
  | { kind: "unfit" }
  /** PGlite has stopped, and answers nothing any more. */
  | { kind: "broken" };

/** How Ponder ended. */
export interface PonderEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The last errors that it told. */
  said: string;
}

/** Ponder as a child process. It ends with this process, whatever ends this one: its standard input is a pipe. */
export class PonderProcess {
  readonly #child: ChildProcess;
  readonly #log: Logger;
  readonly #redactor: Redactor;
  readonly #onNews: (news: PonderNews) => void;
  #errors: string[] = [];
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<PonderEnd>;

  constructor(start: PonderStart, log: Logger, onNews: (news: PonderNews) => void) {
    this.#log = log;
    this.#onNews = onNews;
    this.#redactor = new Redactor(start.secrets);
    this.#child = spawn(process.execPath, argumentsOf(start), {
      cwd: start.root,
      env: { ...start.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const { stdout, stderr } = this.#child;
    if (stdout)
      createInterface({ input: stdout }).on("line", (line) => {
        this.#read(line);
      });
    if (stderr)
      createInterface({ input: stderr }).on("line", (line) => {
        this.#keep(line);
      });
    this.ended = once(this.#child, "exit").then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      said: this.#errors.join("\n"),
    }));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Ends it in order, so that it goes on at the same block; at once if that takes too long. */
  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
    await this.ended;
    clearTimeout(timer);
  }

  #read(line: string): void {
    const entry = entryOf(line);
    if (entry === undefined) {
      this.#keep(line);
      return;
    }
    const news = newsOf(entry);
    if (news !== undefined) this.#onNews(news);
    const text = this.#redactor.clean(entry.msg).slice(0, MAX_TEXT);
    const cause = this.#redactor.clean(entry.error?.message ?? "").split("\n")[0] ?? "";
    const fields = cause === "" ? {} : { cause: cause.slice(0, MAX_TEXT) };
    if (entry.level >= 50) {
      this.#keep(`${text} ${cause}`);
      this.#log.error(`Ponder: ${text}`, fields);
    } else if (entry.level >= 40) this.#log.warn(`Ponder: ${text}`, fields);
    else this.#log.debug(`Ponder: ${text}`, fields);
  }

  #keep(text: string): void {
    this.#errors = [...this.#errors, this.#redactor.clean(text).slice(0, MAX_TEXT)].slice(-8);
  }
}

/** Ends Ponder in order when its standard input ends, as it does when this process is killed. */
const GUARD = `data:text/javascript,process.stdin.resume().on("end",()=>process.kill(process.pid,"SIGTERM"))`;

function argumentsOf({ program, root, schema, port }: PonderStart): string[] {
  const log = ["--log-format", "json", "--log-level", "info"];
  const server = ["--hostname", "127.0.0.1", "--port", String(port)];
  return [
    "--import",
    GUARD,
    program,
    "start",
    "--root",
    root,
    "--schema",
    schema,
    ...server,
    ...log,
  ];
}

const entrySchema = z.looseObject({
  level: z.number(),
  msg: z.string(),
  port: z.number().optional(),
  error: z.looseObject({ message: z.string().optional() }).optional(),
});
type Entry = z.infer<typeof entrySchema>;

function entryOf(line: string): Entry | undefined {
  try {
    return entrySchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined; // A line that is no entry of its log is kept as it is.
  }
}

function newsOf({ msg, port, error }: Entry): PonderNews | undefined {
  if (msg === "Created HTTP server" && port !== undefined) return { kind: "listens", port };
  // It would try for three minutes to find a block that is gone.
  if (msg === "Encountered unrecoverable reorg") return { kind: "unfit" };
  // WebAssembly has trapped. Ponder would ask again for more than a minute.
  if (msg === "Failed database query" && error?.message === "unreachable")
    return { kind: "broken" };
  return msg === "Started live indexing" ? { kind: "live" } : undefined;
}
