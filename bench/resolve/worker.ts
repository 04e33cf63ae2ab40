import { fork, type ChildProcess } from "node:child_process";
import path from "node:path";

/** A message between a benchmark and its processes; V8's serialization supports bigints. */
interface Call {
  call: number;
  name: string;
  argument: unknown;
}
interface Reply {
  call: number;
  result?: unknown;
  error?: string;
}
interface Event {
  event: unknown;
}

/** A process of a benchmark, with calls to it and events from it. It never outlives the benchmark. */
export class Worker<E = never> {
  readonly #process: ChildProcess;
  readonly #pending = new Map<
    number,
    { resolve(value: never): void; reject(error: Error): void }
  >();
  readonly #ended: Promise<void>;
  #calls = 0;
  #listener: (event: E) => void = () => {};

  /**
   * @param file A file in this folder that calls `serve` at its end.
   * @param flags Flags of Node.
   */
  constructor(file: string, flags: readonly string[] = []) {
    this.#process = fork(path.join(import.meta.dirname, file), {
      execArgv: [...process.execArgv, ...flags],
      serialization: "advanced",
      stdio: ["ignore", 2, 2, "ipc"],
    });
    this.#process.on("message", (message: Reply | Event) => {
      if ("event" in message) {
        this.#listener(message.event as E);
        return;
      }
      const pending = this.#pending.get(message.call);
      this.#pending.delete(message.call);
      if (message.error === undefined) pending?.resolve(message.result as never);
      else pending?.reject(new Error(`${file}: ${message.error}`));
    });
    this.#ended = new Promise((resolve) => {
      this.#process.once("exit", (code, signal) => {
        for (const { reject } of this.#pending.values()) {
          reject(new Error(`${file} ended early: ${code ?? signal ?? "?"}`));
        }
        resolve();
      });
    });
  }

  /** Sets the listener for the events of the process. */
  listen(listener: (event: E) => void): void {
    this.#listener = listener;
  }

  /** Calls a function that the process serves. */
  call<T>(name: string, argument?: unknown): Promise<T> {
    this.#calls += 1;
    const call = this.#calls;
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(call, { resolve, reject });
      this.#process.send({ call, name, argument } satisfies Call, (error) => {
        if (error) reject(error);
      });
    });
  }

  /** Stops the process, without its knowledge, until something has happened. */
  async whileStopped(happens: () => Promise<unknown>): Promise<void> {
    this.#process.kill("SIGSTOP");
    try {
      await happens();
    } finally {
      this.#process.kill("SIGCONT");
    }
  }

  async stop(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#ended;
  }
}

/** Serves calls in a process that `Worker` started, until its parent ends. */
export function serve(functions: Record<string, (argument: never) => unknown>): void {
  process.on("disconnect", () => process.exit());
  process.on("message", ({ call, name, argument }: Call) => {
    void Promise.resolve()
      .then(() => functions[name]?.(argument as never))
      .then(
        (result) => ({ call, result }),
        (error: unknown) => ({ call, error: error instanceof Error ? String(error.stack) : "?" }),
      )
      .then((reply: Reply) => process.send?.(reply));
  });
}

/** Sends an event from a process to the benchmark. */
export function tell(event: unknown): void {
  process.send?.({ event } satisfies Event);
}

/** The system's monotonic clock, nanoseconds: the same in all processes. */
export function nanoseconds(): bigint {
  return process.hrtime.bigint();
}
