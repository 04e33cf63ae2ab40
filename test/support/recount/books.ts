import { Ledger, type Event, type Figures } from "./figures.ts";
import type { ChainRecord, Contracts } from "./record.ts";
import { HORIZON, type Terms } from "./terms.ts";

/** The moment of a transaction. */
export interface Moment {
  time: number;
  epoch: number;
}

/** What all parts of a recount write to. */
export class Books {
  readonly record: ChainRecord;
  readonly terms: Terms;
  readonly figures: Figures;
  readonly ledger = new Ledger();
  /** Of the transaction that is being recounted. */
  now: Moment = { time: 0, epoch: 0 };
  #expected: Event[] = [];

  constructor(record: ChainRecord, terms: Terms, figures: Figures) {
    this.record = record;
    this.terms = terms;
    this.figures = figures;
  }

  get contracts(): Contracts {
    return this.record.contracts;
  }

  /** From when on counts what happens now. */
  get since(): number {
    return this.now.epoch + HORIZON;
  }

  epochAt(time: number): number {
    return Math.floor((time - this.terms.genesis) / this.terms.epochSeconds);
  }

  epochStart(epoch: number): number {
    return this.terms.genesis + epoch * this.terms.epochSeconds;
  }

  /** Notes an event that the transaction must have had. */
  emit(contract: keyof Contracts, eventName: string, args: Event["args"]): void {
    this.#expected.push({ contract, eventName, args });
  }

  /** The events noted since the last call. */
  takeExpected(): Event[] {
    const expected = this.#expected;
    this.#expected = [];
    return expected;
  }

  /** Compares a rule of the page with what the contract did: it accepted the call. */
  require(what: string, holds: boolean, about: { epoch?: number; party?: string }): void {
    this.figures.check({ what, ...about }, true, holds);
  }
}
