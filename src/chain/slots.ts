import type { ChainClient } from "./client.ts";
import type { Deployment } from "./deployment.ts";
import { contractsOf, numbers, readEach } from "./views/contracts.ts";

/**
 * Which service holds which slot. The registry only says which slot a service holds, so the table is read
 * service by service, once, and read again where it turns out to be out of date: a service that comes back
 * after a long time holds another slot.
 */
export class SlotTable {
  readonly #client: ChainClient;
  readonly #registry: ReturnType<typeof contractsOf>["registry"];
  readonly #holders = new Map<number, bigint>();
  /** Services that were read. */
  #read = 0;
  #isStale = false;
  #reading: Promise<void> | undefined;

  constructor(client: ChainClient, deployment: Deployment) {
    this.#client = client;
    this.#registry = contractsOf(deployment).registry;
  }

  /**
   * The services that hold some slots, in the same order; undefined where none does. Callers check what
   * they are told: a slot may have been given to another service since.
   */
  async holders(slots: readonly number[]): Promise<(bigint | undefined)[]> {
    const isMissing = () => this.#isStale || slots.some((slot) => !this.#holders.has(slot));
    if (isMissing()) await this.#refresh();
    // A service that was read before may have taken a slot since.
    if (isMissing()) {
      this.forget();
      await this.#refresh();
    }
    return slots.map((slot) => this.#holders.get(slot));
  }

  /** Has everything read again. */
  forget(): void {
    this.#isStale = true;
  }

  /** Reads the services that were not read yet; calls that overlap are one. */
  #refresh(): Promise<void> {
    this.#reading ??= this.#readOn().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readOn(): Promise<void> {
    if (this.#isStale) this.#read = 0;
    this.#isStale = false;
    const count = await this.#client.readContract({
      ...this.#registry,
      functionName: "serviceCount",
    });
    const unread = numbers(this.#read + 1, Number(count));
    const slots = await readEach(unread, (number) =>
      this.#client.readContract({
        ...this.#registry,
        functionName: "slotOf",
        args: [BigInt(number)],
      }),
    );
    if (this.#read === 0) this.#holders.clear();
    slots.forEach((slot, index) => {
      if (slot !== 0) this.#holders.set(slot, BigInt(unread[index] ?? 0));
    });
    this.#read = Number(count);
  }
}
