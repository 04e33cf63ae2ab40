import type { ChainClient } from "./client.ts";
import type { Deployment } from "./deployment.ts";
import { contractsOf, numbers, readEach } from "./views/contracts.ts";

/**
 * The table from slots to services. The registry only returns the slot of a service, so the table is read service
 * by service, once. It is read again if it is out of date: a service that returns after a long time has another
 * slot.
 */
export class SlotTable {
  readonly #client: ChainClient;
  readonly #registry: ReturnType<typeof contractsOf>["registry"];
  readonly #holders = new Map<number, bigint>();
  /** Number of services that were read. */
  #read = 0;
  #isStale = false;
  #reading: Promise<void> | undefined;

  constructor(client: ChainClient, deployment: Deployment) {
    this.#client = client;
    this.#registry = contractsOf(deployment).registry;
  }

  /**
   * The services in the given slots, in the same order; undefined for an empty slot. Callers must check the result,
   * because a slot may have a new service since.
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

  /** Clears the table, so that it is read again. */
  forget(): void {
    this.#isStale = true;
  }

  /** Reads the services that were not read yet; concurrent calls share one read. */
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
