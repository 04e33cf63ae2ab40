import type { BodyReader } from "../../../node/http/client/message.ts";
import { GatewayProblem } from "../problem.ts";
import type { BodySource, ReadOptions } from "../relay.ts";

/** How long a body of unknown length may take to be read as a whole, milliseconds; after that it streams. */
const WHOLE_MS = 1_000;

/** A body that was read as a whole, or one that waits with what has arrived of it. */
export type Gathered = { readonly body: Buffer } | { readonly held: BodySource };

/**
 * Reads a body of unknown length as a whole, if it is short and comes at once. Otherwise it is paused, and held until
 * its payment is settled.
 *
 * @param maxBytes - Of a whole body; 0 holds it at once.
 * @throws GatewayProblem if the body breaks off.
 */
export function gather(
  message: BodySource,
  maxBytes: number,
  { cancellation }: Pick<ReadOptions, "cancellation">,
): Promise<Gathered> {
  return new Promise((resolve, reject) => {
    const holder = new Holder(message);
    const hold = () => {
      holder.ended = undefined;
      message.pause();
      clearTimeout(timer);
      resolve({ held: holder });
    };
    const timer = setTimeout(hold, maxBytes === 0 ? 0 : WHOLE_MS);
    holder.ended = (cause) => {
      clearTimeout(timer);
      if (cause === undefined) resolve({ body: Buffer.concat(holder.kept) });
      else reject(cancellation.reason ?? new GatewayProblem("UPSTREAM_FAILED", { cause }));
    };
    holder.arrived = (total) => {
      if (total > maxBytes) hold();
    };
    message.read(holder);
    if (maxBytes === 0) hold();
  });
}

/** Keeps what arrives until a reader takes it, and passes on the rest. */
class Holder implements BodyReader, BodySource {
  readonly kept: Buffer[] = [];
  /** Told the bytes that are kept. */
  arrived: ((total: number) => void) | undefined;
  /** Told the end, with its cause if the body broke off. */
  ended: ((cause: Error | undefined) => void) | undefined;
  readonly #message: BodySource;
  #bytes = 0;
  #reader: BodyReader | undefined;
  #end: ((reader: BodyReader) => void) | undefined;

  constructor(message: BodySource) {
    this.#message = message;
  }

  get isOver(): boolean {
    return this.#message.isOver;
  }

  get isPaused(): boolean {
    return this.#message.isPaused;
  }

  pause(): void {
    this.#message.pause();
  }

  resume(): void {
    this.#message.resume();
  }

  data(part: Buffer): void {
    if (this.#reader !== undefined) {
      this.#reader.data(part);
      return;
    }
    this.kept.push(part);
    this.#bytes += part.length;
    this.arrived?.(this.#bytes);
  }

  end(): void {
    this.#over((reader) => {
      reader.end();
    });
    this.ended?.(undefined);
  }

  failed(cause: Error): void {
    this.#over((reader) => {
      reader.failed(cause);
    });
    this.ended?.(cause);
  }

  /** Hands over what is kept, and lets the rest come. */
  read(reader: BodyReader): void {
    this.#reader = reader;
    for (const part of this.kept.splice(0)) reader.data(part);
    this.#end?.(reader);
    this.#message.resume();
  }

  #over(end: (reader: BodyReader) => void): void {
    this.#end = end;
    if (this.#reader !== undefined) end(this.#reader);
  }
}
