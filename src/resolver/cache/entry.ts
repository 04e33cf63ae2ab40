import type { Address, Hex } from "viem";
import type { ServiceFacts } from "../../chain/directory.ts";
import type { VerifiedRecord } from "../../protocol/checkRecord.ts";
import type { Delegation } from "../../protocol/delegation.ts";
import type { Answer, AnswerSource } from "../answer.ts";
import { drawPriorities, ORDERS, spreadOrders, type Random } from "../order.ts";
import type { Rule } from "../table/rule.ts";

/** The newest record of a service that was seen in the record network, kept after its expiry. */
export interface SeenRecord {
  /** Unix milliseconds. */
  issuedAt: number;
  expiresAt: number;
  signer: Address;
  delegation: Delegation | undefined;
}

/**
 * A resolver's state of one service. The fields that each lookup reads come first, so that they are adjacent
 * in memory. They are integers, because V8 allocates fractions as separate objects.
 */
export class CacheEntry {
  /** Undefined if there is no valid answer. */
  answer: Answer | undefined = undefined;
  /** The table's rule for the service, as of a version of the table. */
  rule: Rule | undefined = undefined;
  tableVersion = -1;
  /** Before this Unix second the answer is valid and needs no renewal. */
  calmUntil = 0;
  /** Whether it was used since the cache last looked: 0 or 1. */
  used = 0;
  /** Index of the order of endpoints that was returned last; -1 if there is only one. */
  turn = -1;
  /** The same answer with the endpoints in different orders, returned in turn; created at the first use. */
  orders: readonly Answer[] | undefined = undefined;
  readonly serviceId: Hex;
  /** When `answer` expires, Unix milliseconds; 0 for none. */
  expiresAt = 0;
  /** From this time on it should be looked up again while it is still served, Unix milliseconds. */
  refreshAt = 0;
  /** From this time on the record network should be queried for a newer record, too. */
  askAt = 0;
  /** When the cache checks it for expiry. */
  dueAt = Infinity;
  seen: SeenRecord | undefined = undefined;

  constructor(serviceId: Hex) {
    this.serviceId = serviceId;
  }

  /** The answer, with its endpoints in the next order. */
  next(random: Random): Answer | undefined {
    if (this.turn === -1 || this.answer === undefined) return this.answer;
    this.orders ??= otherOrders(this.answer, random);
    this.turn = (this.turn + 1) % ORDERS;
    return this.orders[this.turn];
  }

  /** Sets a new answer. */
  hold(answer: Answer, times: { askAt: number; factsAt: number }): void {
    if (this.answer !== answer) {
      this.answer = answer;
      this.orders = undefined;
      this.turn = answer.endpoints.length > 1 ? 0 : -1;
    }
    this.expiresAt = answer.expiresAt;
    this.askAt = times.askAt;
    this.refreshFrom(Math.min(times.askAt, times.factsAt));
  }

  /** Schedules a renewal from a time on, Unix milliseconds. */
  refreshFrom(moment: number): void {
    this.refreshAt = moment;
    this.calmUntil = Math.floor(Math.min(moment, this.expiresAt) / 1000);
  }

  /** Removes the answer. */
  clear(): void {
    this.answer = undefined;
    this.orders = undefined;
    this.expiresAt = 0;
    this.calmUntil = 0;
  }
}

/** Builds the answer from a service's record. */
export function answerOf(
  serviceId: Hex,
  { encoded, record, delegation }: VerifiedRecord,
  facts: ServiceFacts,
  from: { source: AnswerSource; superseded: boolean },
  random: Random,
): Answer {
  const ends = [record.expiresAt, delegation?.expiresAt ?? record.expiresAt];
  return {
    serviceId,
    name: undefined,
    endpoints: drawPriorities(record.endpoints, random),
    record: encoded,
    nameRecord: undefined,
    issuedAt: Number(record.issuedAt),
    expiresAt: Math.min(...ends.map(Number)),
    source: from.source,
    superseded: from.superseded,
    service: facts,
  };
}

/** Whether two answers have the same meaning for clients. */
export function isSameAnswer(one: Answer | undefined, other: Answer): boolean {
  return (
    one?.record === other.record &&
    one?.source === other.source &&
    one.superseded === other.superseded &&
    one.expiresAt === other.expiresAt &&
    isSameFacts(one.service, other.service)
  );
}

function isSameFacts(one: ServiceFacts | undefined, other: ServiceFacts | undefined): boolean {
  if (one === other) return true;
  if (one === undefined || other === undefined) return false;
  return (
    one.status === other.status &&
    one.key === other.key &&
    one.stake === other.stake &&
    one.verdicts.length === other.verdicts.length &&
    one.verdicts.every(({ epoch, verdict }, index) => {
      const its = other.verdicts[index];
      return its?.epoch === epoch && its.verdict === verdict;
    })
  );
}

function otherOrders(answer: Answer, random: Random): Answer[] {
  const known = new Map<unknown, Answer>();
  return spreadOrders(answer.endpoints, random).map((endpoints) => {
    const same = known.get(endpoints) ?? { ...answer, endpoints };
    known.set(endpoints, same);
    return same;
  });
}
