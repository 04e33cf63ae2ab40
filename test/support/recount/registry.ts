/** Services: owner, key, status and slot (docs/protocol.md, sections 2 and 3.3). */
import { zeroAddress, type Address, type Hex } from "viem";
import type { Books } from "./books.ts";
import type { Call } from "./calls.ts";
import { NOBODY } from "./figures.ts";
import type { ServiceStakes } from "./serviceStakes.ts";
import { LANES } from "./tally.ts";
import { RING } from "./terms.ts";
import { Trace } from "./trace.ts";

export interface Service {
  number: bigint;
  classId: number;
  firstEpoch: number;
  owner: Address;
  payout: Address;
  key: Trace<Address>;
  maintenance: boolean;
  suspended: boolean;
  retired: boolean;
  reinstatedSince: number;
  active: Trace<boolean>;
  slot: Trace<number>;
  /** Whether that slot is still its own. */
  holdsSlot: boolean;
}

export class Registry {
  readonly services = new Map<bigint, Service>();
  readonly #books: Books;
  readonly #stakes: ServiceStakes;
  readonly #freed: number[] = [];
  #slots = 0;

  constructor(books: Books, stakes: ServiceStakes) {
    this.#books = books;
    this.#stakes = stakes;
  }

  service(number: bigint): Service {
    const service = this.services.get(number);
    if (service === undefined) throw new Error(`service ${number} was never registered`);
    return service;
  }

  /** Who receives what a service is paid at this moment. */
  payee({ payout, owner }: Service): Address {
    return payout === zeroAddress ? owner : payout;
  }

  /** Applies a call; false where the recount does not know it. */
  apply({ from, functionName, args }: Call): boolean {
    const number = args[0] as bigint;
    switch (functionName) {
      case "register":
      case "registerWithPermit": {
        const [classId, key, , metadata, stake] = args as [number, Address, Hex, string, bigint];
        this.#register(from, classId, key, metadata, stake);
        return true;
      }
      case "setKey":
        this.service(number).key.set(this.#books.since, args[1] as Address);
        this.sync(number);
        return true;
      case "setMaintenance":
        this.service(number).maintenance = args[1] as boolean;
        this.sync(number);
        return true;
      case "setPayout":
        this.service(number).payout = args[1] as Address;
        return true;
      case "reinstate":
        this.service(number).suspended = false;
        this.service(number).reinstatedSince = this.#books.since;
        this.sync(number);
        return true;
      case "retire":
        this.service(number).retired = true;
        this.#stakes.unbondAll(number);
        this.sync(number);
        return true;
      case "transferFrom":
      case "safeTransferFrom":
        this.#transfer(args[2] as bigint, args[1] as Address);
        return true;
      case "releaseSlot": {
        const service = this.service(number);
        const gone = this.#books.now.epoch >= service.active.since + RING;
        const free = service.holdsSlot && !service.active.newest && gone;
        this.#books.require("releaseSlot: of a slot that is free", free, {
          party: `service ${number}`,
        });
        this.#release(service);
        return true;
      }
      default:
        return ["announce", "setProbe", "setMetadata", "approve", "setApprovalForAll"].includes(
          functionName,
        );
    }
  }

  /** Suspends a service from the next epoch but one on. */
  suspend(number: bigint): void {
    this.service(number).suspended = true;
    this.#books.emit("registry", "ServiceSuspended", { number, since: this.#books.since });
    this.sync(number);
  }

  /** Brings a service's activity in line with everything that decides on it. */
  sync(number: bigint): void {
    const service = this.service(number);
    const { maintenance, suspended, retired, key, active, classId } = service;
    const stake = this.#stakes.newest(number);
    const enough = stake > 0n && stake >= this.#books.terms.classes[classId]!.minimumStake;
    const wanted = !retired && !suspended && !maintenance && key.newest !== zeroAddress && enough;
    if (wanted === active.newest) return;
    const { since } = this.#books;
    if (wanted) this.#takeSlot(service);
    active.set(since, wanted);
    this.#books.emit("registry", "ActivityChanged", { number, since, active: wanted });
  }

  /** The service that is audited in a slot in an epoch. */
  holderOf(slot: number, epoch: number): Service | undefined {
    return [...this.services.values()].find(
      (service) => service.slot.at(epoch) === slot && service.active.at(epoch),
    );
  }

  /** How many services are active in an epoch. */
  activeIn(epoch: number): Service[] {
    return [...this.services.values()].filter((service) => service.active.at(epoch));
  }

  /** The shards with active services in an epoch, in order. */
  shardsIn(epoch: number): number[] {
    const shards = this.activeIn(epoch).map(({ slot }) => Math.floor((slot.at(epoch) - 1) / LANES));
    return [...new Set(shards)].sort((one, other) => one - other);
  }

  #register(owner: Address, classId: number, key: Address, metadata: string, stake: bigint): void {
    const { since } = this.#books;
    const number = BigInt(this.services.size + 1);
    const keys = new Trace<Address>(zeroAddress);
    keys.set(since, key);
    this.services.set(number, {
      number,
      classId,
      firstEpoch: since,
      owner,
      payout: zeroAddress,
      key: keys,
      maintenance: false,
      suspended: false,
      retired: false,
      reinstatedSince: 0,
      active: new Trace(false),
      slot: new Trace(0),
      holdsSlot: false,
    });
    this.#books.emit("registry", "ServiceRegistered", { number, owner, classId, key, metadata });
    this.#books.emit("registry", "Transfer", { from: NOBODY, to: owner, tokenId: number });
    const fee = this.#books.terms.classes[classId]!.registrationFee;
    this.#books.ledger.move(owner, NOBODY, fee);
    this.#stakes.stake(number, owner, stake);
    this.sync(number);
  }

  #transfer(number: bigint, to: Address): void {
    const service = this.service(number);
    this.#books.emit("registry", "Transfer", { from: service.owner, to, tokenId: number });
    if (service.owner === to) return;
    service.owner = to;
    service.payout = zeroAddress;
    service.key.set(this.#books.since, zeroAddress);
    this.#stakes.unbondAll(number);
    this.sync(number);
  }

  /**
   * A service keeps its slot for `RING` epochs. After that it frees it, and takes the one that was freed
   * first, which is its own where no other waits.
   */
  #takeSlot(service: Service): void {
    const { number, slot, active, holdsSlot } = service;
    const { since, now } = this.#books;
    if (holdsSlot && now.epoch < active.since + RING) return;
    if (holdsSlot) this.#release(service);
    const taken = this.#freed.shift() ?? ++this.#slots;
    slot.set(since, taken);
    service.holdsSlot = true;
    this.#books.emit("registry", "SlotTaken", { number, slot: taken, since });
  }

  #release(service: Service): void {
    const slot = service.slot.newest;
    this.#freed.push(slot);
    service.holdsSlot = false;
    this.#books.emit("registry", "SlotReleased", { number: service.number, slot });
  }
}
