import type { Hex } from "viem";
import type { Timers } from "../../node/timers.ts";
import { parseName } from "../../protocol/name.ts";
import type { Change, Resolver } from "../answer.ts";
import { changeToJson } from "../answerSchema.ts";
import type { LookUps } from "./lookUps.ts";
import { asProblem } from "./problem.ts";
import { represent } from "./representation.ts";

export interface WatchOptions {
  heartbeatMs: number;
  maxWaitingBytes: number;
}

export interface WatchEnvironment {
  resolver: Pick<Resolver, "watch">;
  lookUps: LookUps;
  timers: Timers;
  /** Called when the client does not read what it is sent. */
  cut(): void;
  /** Called once, when it is over. */
  ended(): void;
}

/** A name that a client watches. */
interface Watched {
  name: string;
  serviceId: Hex | undefined;
  unwatch: () => void;
  /** What was said last: an answer's validator, or an error's code. */
  said: string | undefined;
}

/** How soon a client may connect again, milliseconds. */
const RETRY_MS = 2_000;

/**
 * One client's stream of server-sent events (HTML, 9.2): the present answer to each of its names, then each
 * change. A client that was away asks again and is told how things stand, so that nothing has to be kept for
 * it; `id` counts within the stream.
 */
export class Watch {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #options: WatchOptions;
  readonly #d: WatchEnvironment;
  readonly #watched: readonly Watched[];
  readonly #ending = new AbortController();
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #events = 0;

  constructor(names: readonly string[], options: WatchOptions, environment: WatchEnvironment) {
    this.#options = options;
    this.#d = environment;
    this.#watched = [...new Set(names)].map((name) => ({
      name,
      serviceId: undefined,
      unwatch: () => {},
      said: undefined,
    }));
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        cancel: () => {
          this.end();
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: options.maxWaitingBytes }),
    );
    this.#write(`retry: ${RETRY_MS}\n\n`);
    void this.#run();
  }

  /** Ends the stream; the client may come again. */
  end(): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    for (const { unwatch } of this.#watched) unwatch();
    try {
      this.#controller?.close();
    } catch {
      // The client has ended it already.
    }
    this.#d.ended();
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await Promise.all(this.#watched.map((each) => this.#look(each)));
      // An abort ends the loop; nothing else rejects.
      await this.#d.timers.sleep(this.#options.heartbeatMs, signal).catch(() => undefined);
      this.#write(": still here\n\n");
    }
  }

  /**
   * Says how a name stands, if that is new. Looking again finds what no watcher of an ID is told: a label
   * that was taken since, a name that now means another service.
   */
  async #look(watched: Watched): Promise<void> {
    const { signal } = this.#ending;
    try {
      const answer = await this.#d.lookUps.answer(watched.name, signal);
      if (signal.aborted) return;
      this.#follow(watched, answer.serviceId);
      this.#tell(watched, { answer });
    } catch (error) {
      if (signal.aborted) return;
      const { code, detail, message } = asProblem(error);
      this.#follow(watched, watched.serviceId ?? idIn(watched.name));
      this.#tell(watched, { error: { code, message: (detail ?? message).slice(0, 1024) } });
    }
  }

  #follow(watched: Watched, serviceId: Hex | undefined): void {
    if (watched.serviceId === serviceId || serviceId === undefined) return;
    watched.unwatch();
    watched.serviceId = serviceId;
    watched.unwatch = this.#d.resolver.watch(serviceId, (change) => {
      this.#tell(watched, change);
    });
  }

  #tell(watched: Watched, change: Change): void {
    const said = "answer" in change ? represent(change.answer).etag : change.error.code;
    if (said === watched.said) return;
    watched.said = said;
    this.#events += 1;
    const data = JSON.stringify({ name: watched.name, ...changeToJson(change) });
    this.#write(`id: ${this.#events}\ndata: ${data}\n\n`);
  }

  #write(text: string): void {
    const controller = this.#controller;
    if (controller === undefined || this.#ending.signal.aborted) return;
    const bytes = this.#encoder.encode(text);
    if ((controller.desiredSize ?? 0) < bytes.length) {
      this.#d.cut();
      this.end();
    } else {
      controller.enqueue(bytes);
    }
  }
}

/** The ID that a raw name says by itself, so that it can be followed before anything is known of it. */
function idIn(text: string): Hex | undefined {
  try {
    const name = parseName(text);
    return name.kind === "id" ? name.serviceId : undefined;
  } catch {
    // NAME_INVALID, which the client has been told.
    return undefined;
  }
}
