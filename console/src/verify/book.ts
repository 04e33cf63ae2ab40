/** Who stakes, is active and is enrolled in an epoch, counted from the events (docs/protocol.md, 3.1 and 3.3). */
import type { Address, Hex } from "viem";
import { CARRY_EPOCHS } from "../../../src/protocol/pay.ts";
import { placeOf, slotAt } from "../../../src/protocol/sortition.ts";
import type { Contracts } from "../chain/contracts.ts";
import { argsOf, isEvent, topicOf } from "./events.ts";
import type { RawLog } from "./raw.ts";
import type { Source } from "./source.ts";
import { Trace } from "./trace.ts";

/** A service that is active in an epoch. */
export interface ActiveService {
  number: bigint;
  slot: number;
  key: Address;
  /** The part of its stake that counts, BLOC in wei. */
  counted: bigint;
}

/** The chain that serves an auditor's draws in an epoch. */
export interface Tip {
  tip: Hex;
  since: number;
}

interface Service {
  classId: number;
  key: Trace<Address>;
  slot: Trace<number>;
  active: Trace<boolean>;
  stake: Trace<bigint>;
}

interface Auditor {
  stake: Trace<bigint>;
  enrolled: Trace<boolean>;
  tip: Trace<Tip>;
}

export class Book {
  readonly #contracts: Contracts;
  readonly #oldest: number;
  readonly #services = new Map<bigint, Service>();
  readonly #auditors = new Map<Address, Auditor>();
  readonly #maximumStakes = new Map<number, bigint>();
  readonly #active = new Map<number, ReadonlyMap<number, ActiveService>>();

  private constructor(contracts: Contracts, epoch: number) {
    this.#contracts = contracts;
    this.#oldest = epoch - CARRY_EPOCHS;
  }

  /**
   * Reads the books of an epoch, and of those before it whose verdicts it may carry.
   *
   * @param range.head Block whose state is asked for the classes, which never change.
   * @param range.to Last block before the epoch before it: what happens later does not count in it.
   */
  static async read(
    source: Source,
    contracts: Contracts,
    epoch: number,
    range: { from: bigint; to: bigint; head: bigint },
    seen: (block: bigint) => void,
  ): Promise<Book> {
    const book = new Book(contracts, epoch);
    const { registry, staking, proofOfService } = contracts;
    const topics = [
      ...(["ServiceRegistered", "KeySet", "ActivityChanged", "SlotTaken"] as const).map((name) =>
        topicOf(registry.abi, name),
      ),
      ...(
        ["ServiceStakeChanged", "AuditorStakeChanged", "AuditorEnrolled", "AuditorLapsed"] as const
      ).map((name) => topicOf(staking.abi, name)),
      topicOf(proofOfService.abi, "TipRegistered"),
    ];
    const address = [registry.address, staking.address, proofOfService.address];
    for await (const log of source.logs({ address, topics: [topics] }, range.from, range.to)) {
      book.#note(log);
      seen(log.blockNumber);
    }
    const classes = new Set([...book.#services.values()].map(({ classId }) => classId));
    for (const classId of classes) {
      const kind = await source.read(registry, "classAt", [classId], range.head);
      book.#maximumStakes.set(classId, kind.maximumStake);
    }
    return book;
  }

  /** The active services of an epoch, by slot. */
  activeIn(epoch: number): ReadonlyMap<number, ActiveService> {
    const known = this.#active.get(epoch);
    if (known !== undefined) return known;
    const active = new Map<number, ActiveService>();
    for (const [number, service] of this.#services) {
      if (service.active.at(epoch) !== true) continue;
      const slot = service.slot.at(epoch) ?? 0;
      const stake = service.stake.at(epoch) ?? 0n;
      const most = this.#maximumStakes.get(service.classId) ?? 0n;
      const counted = stake < most ? stake : most;
      active.set(slot, { number, slot, key: service.key.at(epoch) ?? "0x", counted });
    }
    this.#active.set(epoch, active);
    return active;
  }

  /** The service that is active at a place. */
  holderOf(shard: number, lane: number, epoch: number): ActiveService | undefined {
    return this.activeIn(epoch).get(slotAt(shard, lane));
  }

  /** The shards with active services, in order. */
  shardsIn(epoch: number): number[] {
    const shards = new Set([...this.activeIn(epoch).keys()].map((slot) => placeOf(slot).shard));
    return [...shards].sort((a, b) => a - b);
  }

  /** Enrolled auditors with the stake that counts. */
  enrolledIn(epoch: number): Map<Address, bigint> {
    const enrolled = new Map<Address, bigint>();
    for (const [address, { stake, enrolled: isEnrolled }] of this.#auditors) {
      if (isEnrolled.at(epoch) === true) enrolled.set(address, stake.at(epoch) ?? 0n);
    }
    return enrolled;
  }

  tipOf(auditor: Address, epoch: number): Tip | undefined {
    return this.#auditors.get(auditor)?.tip.at(epoch);
  }

  #note(log: RawLog): void {
    const { registry, staking, proofOfService } = this.#contracts;
    if (isEvent(log, registry, "ServiceRegistered")) {
      const { number, classId, key } = argsOf(log, registry, "ServiceRegistered");
      const service = { classId, key: trace(), slot: trace(), active: trace(), stake: trace() };
      this.#services.set(number, service as Service);
      this.#set(service.key, 0, key);
    } else if (isEvent(log, registry, "KeySet")) {
      const { number, since, key } = argsOf(log, registry, "KeySet");
      this.#set(this.#service(number).key, since, key);
    } else if (isEvent(log, registry, "ActivityChanged")) {
      const { number, since, active } = argsOf(log, registry, "ActivityChanged");
      this.#set(this.#service(number).active, since, active);
    } else if (isEvent(log, registry, "SlotTaken")) {
      const { number, since, slot } = argsOf(log, registry, "SlotTaken");
      this.#set(this.#service(number).slot, since, slot);
    } else if (isEvent(log, staking, "ServiceStakeChanged")) {
      const { number, since, stake } = argsOf(log, staking, "ServiceStakeChanged");
      this.#set(this.#service(number).stake, since, stake);
    } else if (isEvent(log, staking, "AuditorStakeChanged")) {
      const { auditor, since, stake } = argsOf(log, staking, "AuditorStakeChanged");
      this.#set(this.#auditor(auditor).stake, since, stake);
    } else if (isEvent(log, staking, "AuditorEnrolled")) {
      const { auditor, since } = argsOf(log, staking, "AuditorEnrolled");
      this.#set(this.#auditor(auditor).enrolled, since, true);
    } else if (isEvent(log, staking, "AuditorLapsed")) {
      const { auditor, since } = argsOf(log, staking, "AuditorLapsed");
      this.#set(this.#auditor(auditor).enrolled, since, false);
    } else if (isEvent(log, proofOfService, "TipRegistered")) {
      const { auditor, since, tip } = argsOf(log, proofOfService, "TipRegistered");
      this.#set(this.#auditor(auditor).tip, since, { tip, since });
    }
  }

  #set<T>(trace: Trace<T>, since: number, value: T): void {
    trace.set(since, value, this.#oldest);
  }

  /** The stake of a service is set before its registration is announced. */
  #service(number: bigint): Service {
    const known = this.#services.get(number);
    if (known !== undefined) return known;
    const service: Service = {
      classId: 0,
      key: trace(),
      slot: trace(),
      active: trace(),
      stake: trace(),
    };
    this.#services.set(number, service);
    return service;
  }

  #auditor(address: Address): Auditor {
    const known = this.#auditors.get(address);
    if (known !== undefined) return known;
    const auditor: Auditor = { stake: trace(), enrolled: trace(), tip: trace() };
    this.#auditors.set(address, auditor);
    return auditor;
  }
}

function trace<T>(): Trace<T> {
  return new Trace<T>();
}
