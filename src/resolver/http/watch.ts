import type { Hex } from "viem";
import type { Timers } from "../../node/timers.ts";
import { parseName } from "../../protocol/name.ts";
import type { Change, Resolver } from "../answer.ts";
import { changeToJson } from "../answerSchema.ts";
import type { BoundedLookup } from "../lookup/boundedLookup.ts";
import { asProblem } from "./problem.ts";
import { represent } from "./representation.ts";

export interface WatchOptions {
  heartbeatMs: number;
  maxWaitingBytes: number;
}

export interface WatchEnvironment {
  resolver: Pick<Resolver, "watch">;
  lookup: BoundedLookup;
  timers: Timers;
  /** Called if the client does not read its events. */
  cut(): void;
  /** Called once, when the stream has ended. */
  ended(): void;
}

/** A name that a client watches. */
interface Watched {
  name: string;
  serviceId: Hex | undefined;
  unwatch: () => void;
  /** The last event: an answer's validator, or an error's code. */
  said: string | undefined;
}

/** Delay before a client reconnects, milliseconds. */
const RETRY_MS = 2_000;

/**
 * One client's stream of server-sent events (HTML, 9.2): the current answer of each of its names, then each
 * change. A client that reconnects gets the current answers again, so nothing has to be stored for it; `id`
 * counts within the stream.
 */
export class Watch {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #options: WatchOptions;
  readonly #resolver: Pick<Resolver, "watch">;
  readonly #lookup: BoundedLookup;
  readonly #timers: Timers;
  readonly #cut: WatchEnvironment["cut"];
  readonly #ended: WatchEnvironment["ended"];
  readonly #watched: readonly Watched[];
  readonly #ending = new AbortController();
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #events = 0;

  constructor(names: readonly string[], options: WatchOptions, environment: WatchEnvironment) {
    this.#options = options;
    this.#resolver = environment.resolver;
    this.#lookup = environment.lookup;
    this.#timers = environment.timers;
    this.#cut = environment.cut;
    this.#ended = environment.ended;
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

  /** Ends the stream; the client may reconnect. */
  end(): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    for (const { unwatch } of this.#watched) unwatch();
    try {
      this.#controller?.close();
    } catch {
      // The client has already ended the stream.
    }
    this.#ended();
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await Promise.all(this.#watched.map((each) => this.#look(each)));
      // The sleep rejects only on an abort, which ends the loop.
      await this.#timers.sleep(this.#options.heartbeatMs, signal).catch(() => undefined);
      this.#write(": still here\n\n");
    }
  }

  /**
   * Sends the state of a name, if it changed. Looking up the name again finds changes that are not reported
   * to watchers of an ID: a label that was registered, or a name that now means another service.
   */
  async #look(watched: Watched): Promise<void> {
    const { signal } = this.#ending;
    try {
      const answer = await this.#lookup.answer(watched.name, { signal });
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
    watched.unwatch = this.#resolver.watch(serviceId, (change) => {
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
      this.#cut();
      this.end();
    } else {
      controller.enqueue(bytes);
    }
  }
}

/** The ID in a raw name, so that it can be watched before the first lookup. */
function idIn(text: string): Hex | undefined {
  try {
    const name = parseName(text);
    return name.kind === "id" ? name.serviceId : undefined;
  } catch {
    // NAME_INVALID, which the client has already received.
    return undefined;
  }
}
