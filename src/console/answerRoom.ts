import { PeerBounds, type PeerLimits } from "../net/peerBounds.ts";
import { ConsoleProblem } from "./problem.ts";

/**
 * Takes room for bytes of an answer that has come in part.
 *
 * @throws ConsoleProblem `CONSOLE_BUSY` if there is none.
 */
export type Claim = (bytes: number) => void;

/** Bounds the memory of answers that come from the servers behind the console, in total and of one client. */
export class AnswerRoom {
  readonly #bounds: PeerBounds;

  /** @param limits Bytes; the last piece may pass them. */
  constructor(limits: PeerLimits) {
    this.#bounds = new PeerBounds(limits);
  }

  /** Bytes that are held. */
  get size(): number {
    return this.#bounds.size;
  }

  /** Runs what reads an answer for a client, and gives its room back at the end. */
  async hold<T>(address: string, run: (claim: Claim) => Promise<T>): Promise<T> {
    let held = 0;
    try {
      return await run((bytes) => {
        if (this.#bounds.reached(address) !== undefined) {
          throw new ConsoleProblem("CONSOLE_BUSY", "Too many long answers are under way.");
        }
        this.#bounds.add(address, bytes);
        held += bytes;
      });
    } finally {
      this.#bounds.remove(address, held);
    }
  }
}
