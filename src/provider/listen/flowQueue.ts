import type { BlockcloudError } from "../../protocol/errors.ts";
import { salError } from "../../sal/errors.ts";
import type { FlowHandler, FlowPeer } from "../../sal/provider/service.ts";
import type { Flow } from "../../sal/session/flow.ts";

/** A flow that a client has opened, and who it is. */
export interface IncomingFlow {
  /** A `Duplex`; `flow.port` is the port that the client dialled. */
  readonly flow: Flow;
  readonly peer: FlowPeer;
}

interface Waiting {
  incoming: IncomingFlow;
  accept(): void;
  refuse(error: BlockcloudError): void;
}

/**
 * The flows that wait for the program, as a socket's backlog. A flow is open for its client when the program takes it;
 * so a program that takes none lets its clients wait, and a full queue refuses them.
 */
export class FlowQueue implements AsyncIterable<IncomingFlow> {
  readonly #backlog: number;
  readonly #waiting = new Set<Waiting>();
  readonly #readers: ((incoming: IncomingFlow | undefined) => void)[] = [];
  /** Why no flow follows: an error if the iteration is to throw it. */
  #end: { error: unknown } | undefined;

  constructor(backlog: number) {
    this.#backlog = backlog;
  }

  /** Puts a flow into the queue; settles when the program has taken it. */
  readonly handler: FlowHandler = (flow, peer) => {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const incoming = { flow, peer };
    const reader = this.#readers.shift();
    if (this.#end !== undefined) reject(leaving());
    else if (reader !== undefined) {
      resolve(undefined);
      reader(incoming);
    } else if (this.#waiting.size >= this.#backlog) {
      reject(salError("busy", `${this.#backlog} flows wait for the service's program.`));
    } else {
      const waiting = {
        incoming,
        accept: () => {
          resolve(undefined);
        },
        refuse: reject,
      };
      this.#waiting.add(waiting);
      // The client has given up.
      flow.once("close", () => {
        this.#waiting.delete(waiting);
        resolve(undefined);
      });
    }
    return promise;
  };

  /** Ends all iterations, and refuses the flows that wait. */
  end(error?: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    for (const { refuse } of this.#waiting) refuse(leaving());
    this.#waiting.clear();
    for (const reader of this.#readers.splice(0)) reader(undefined);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<IncomingFlow, void, undefined> {
    for (;;) {
      const incoming = await this.#next();
      if (incoming === undefined) break;
      yield incoming;
    }
    if (this.#end?.error !== undefined) throw this.#end.error as Error;
  }

  #next(): Promise<IncomingFlow | undefined> {
    for (const waiting of this.#waiting) {
      this.#waiting.delete(waiting);
      waiting.accept();
      return Promise.resolve(waiting.incoming);
    }
    if (this.#end !== undefined) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#readers.push(resolve));
  }
}

function leaving(): BlockcloudError {
  return salError("leaving", "The service's program takes no more flows.");
}
