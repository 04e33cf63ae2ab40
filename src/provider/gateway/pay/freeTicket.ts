import { GatewayProblem } from "../problem.ts";
import type { StoredAnswer } from "./store.ts";
import type { AnswerHead, Asked, Refuser, Ticket } from "./ticket.ts";

/** What a priced service serves each peer without payment, so that unpaid inspections pass. */
export interface Allowance {
  /** Takes a request of an address; false if none is left. */
  takeRequest(address: string): boolean;
  /** Takes up to a number of bytes of an address; returns how many were left. */
  takeBytes(address: string, wanted: number): number;
  /** Gives back bytes that were taken and not used. */
  giveBack(address: string, bytes: number): void;
}

/** A request that the free allowance of its peer covers, as far as its answer is not too large. */
export class FreeTicket implements Ticket {
  readonly isAnswered = false;
  readonly #asked: Asked;
  readonly #allowance: Allowance;
  readonly #refuser: Refuser;
  #isCounted = false;

  constructor(asked: Asked, allowance: Allowance, refuser: Refuser) {
    this.#asked = asked;
    this.#allowance = allowance;
    this.#refuser = refuser;
  }

  again(): Promise<StoredAnswer> {
    return Promise.reject(new GatewayProblem("ALREADY_SERVED"));
  }

  async settle({ length, isMetered }: AnswerHead): Promise<readonly string[]> {
    if (!isMetered) throw await this.#refuser.refuse(this.#asked, "length_unknown");
    if (length === undefined) return [];
    const { address } = this.#asked.client;
    const taken = this.#allowance.takeBytes(address, length);
    if (taken < length) {
      this.#allowance.giveBack(address, taken);
      throw await this.#refuser.refuse(this.#asked, "allowance_used_up", { length });
    }
    this.#isCounted = true;
    return [];
  }

  sending(): Promise<void> {
    return Promise.resolve();
  }

  pass(bytes: number): boolean {
    return (
      this.#isCounted || this.#allowance.takeBytes(this.#asked.client.address, bytes) === bytes
    );
  }

  end(): void {}
}
