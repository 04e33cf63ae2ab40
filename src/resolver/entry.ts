import type { Address, Hex } from "viem";
import type { ServiceFacts } from "../chain/directory.ts";
import type { CheckedRecord } from "../protocol/checkRecord.ts";
import type { Delegation } from "../protocol/delegation.ts";
import type { Answer, AnswerSource } from "./answer.ts";
import { drawPriorities, ORDERS, spreadOrders, type Random } from "./order.ts";
import type { Rule } from "./table/rule.ts";

/** The newest record of the record network that was seen of a service, also after it ran out. */
export interface SeenRecord {
  /** Unix milliseconds. */
  issuedAt: number;
  expiresAt: number;
  signer: Address;
  delegation: Delegation | undefined;
}

/** What a resolver knows of one service. */
export class Entry {
  readonly serviceId: Hex;
  /** Undefined when nothing is in force. */
  answer: Answer | undefined = undefined;
  /** The same with the endpoints in other orders, which are given out in turn; made at the first use. */
  orders: readonly Answer[] | undefined = undefined;
  turn = 0;
  /** Up to when `answer` holds, Unix milliseconds; 0 for none. */
  expiresAt = 0;
  /** From when on it should be looked up anew while it is still served, Unix milliseconds. */
  refreshAt = 0;
  /** From when on the record network should be asked for a newer record, too. */
  askAt = 0;
  /** When the cache looks whether it ran out. */
  dueAt = Infinity;
  /** The table's rule for it, as of a version of the table. */
  rule: Rule | undefined = undefined;
  tableVersion = -1;
  /** Whether it was used since the cache last looked. */
  used = false;
  seen: SeenRecord | undefined = undefined;

  constructor(serviceId: Hex) {
    this.serviceId = serviceId;
  }

  /** The answer, its endpoints in the next order. */
  next(random: Random): Answer | undefined {
    const { answer, orders } = this;
    if (answer === undefined || answer.endpoints.length === 1) return answer;
    const all = orders ?? (this.orders = otherOrders(answer, random));
    this.turn = (this.turn + 1) % ORDERS;
    return all[this.turn];
  }

  /** Takes a new answer. */
  hold(answer: Answer, times: { askAt: number; factsAt: number }): void {
    this.answer = answer;
    this.orders = undefined;
    this.expiresAt = answer.expiresAt;
    this.askAt = times.askAt;
    this.refreshAt = Math.min(times.askAt, times.factsAt);
  }

  /** Nothing is in force any more. */
  clear(): void {
    this.answer = undefined;
    this.orders = undefined;
    this.expiresAt = 0;
  }
}

/** The answer that a record gives. */
export function answerOf(
  { encoded, record, delegation }: CheckedRecord,
  facts: ServiceFacts,
  from: { source: AnswerSource; superseded: boolean },
  random: Random,
): Answer {
  const ends = [record.expiresAt, delegation?.expiresAt ?? record.expiresAt];
  return {
    serviceId: record.serviceId.toLowerCase() as Hex,
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

/** Whether two answers tell their readers the same. */
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
