import type { Hex } from "viem";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import type { Located, LocatedChange, Locator } from "../../../src/sal/client/locator.ts";

/** A directory of one service that a test writes. */
export class FakeLocator implements Locator {
  located: Located;
  /** What a lookup fails with. */
  error: BlockcloudError | undefined;
  /** Records that were checked. */
  readonly checked: Hex[] = [];
  lookups = 0;
  readonly #listeners = new Set<(change: LocatedChange) => void>();

  constructor(located: Located) {
    this.located = located;
  }

  /** How many sessions watch. */
  get watching(): number {
    return this.#listeners.size;
  }

  /** The service runs elsewhere, or under another key, from now on. */
  publish(change: Partial<Located>): void {
    this.located = { ...this.located, issuedAt: this.located.issuedAt + 1, ...change };
  }

  /** Tells those who watch. */
  tell(change: LocatedChange = { located: this.located }): void {
    for (const listener of [...this.#listeners]) listener(change);
  }

  /** The signed record of what is published; here the place stands for the signature. */
  get record(): Buffer {
    return Buffer.from(JSON.stringify(this.located));
  }

  locate(): Promise<Located> {
    this.lookups += 1;
    return this.error === undefined ? Promise.resolve(this.located) : Promise.reject(this.error);
  }

  relocate(): Promise<Located> {
    return this.locate();
  }

  watch(_serviceId: Hex, listener: (change: LocatedChange) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  check(_serviceId: Hex, record: Hex): Promise<Located> {
    this.checked.push(record);
    try {
      return Promise.resolve(JSON.parse(Buffer.from(record.slice(2), "hex").toString()) as Located);
    } catch (cause) {
      return Promise.reject(new BlockcloudError("RECORD_SIGNATURE", "Not signed.", { cause }));
    }
  }
}
