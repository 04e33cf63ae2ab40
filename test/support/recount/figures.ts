import { isAddress, type Address } from "viem";
import type { Contracts } from "./record.ts";

export type Value = bigint | number | boolean | string | null;

/** What a figure is about. */
export interface About {
  what: string;
  epoch?: number;
  party?: string;
}

/** A figure of which the recount and the chain do not say the same. */
export interface Difference extends About {
  expected: string;
  found: string;
}

/** A view's answer, or a part of it. */
export interface Question {
  contract: keyof Contracts;
  functionName: string;
  args?: readonly unknown[];
  /** Which of several return values, or which field. */
  pick?: number | string;
}

/** An event that the recount expects, or that a transaction had. */
export interface Event {
  contract: keyof Contracts;
  eventName: string;
  args: Readonly<Record<string, unknown>>;
}

/** What views answered, by the question's name. */
export type Answers = ReadonlyMap<string, unknown>;

/** One name for each call of a view. */
export function questionName({ contract, functionName, args = [] }: Question): string {
  return `${contract}.${functionName}(${args.map(String).join(", ")})`;
}

/** Collects figures and compares them: with the record at once, with views when their answers are in. */
export class Figures {
  readonly differences: Difference[] = [];
  readonly questions: { about: About; expected: Value; question: Question }[] = [];
  compared = 0;
  /** How many figures of each kind were compared. */
  readonly kinds = new Map<string, number>();

  /** Compares a figure with what the record has. */
  check(about: About, expected: unknown, found: unknown): void {
    this.#count(about);
    const [wanted, had] = [plain(expected), plain(found)];
    if (wanted !== had) this.differences.push({ ...about, expected: wanted, found: had });
  }

  /** Names something that has no counterpart at all. */
  differ(about: About, expected: string, found: string): void {
    this.#count(about);
    this.differences.push({ ...about, expected, found });
  }

  /** Notes a figure that a view shows. */
  ask(about: About, expected: Value, question: Question): void {
    this.questions.push({ about, expected, question });
  }

  /** Compares all noted figures with the views' answers. */
  answer(answers: Answers): void {
    for (const { about, expected, question } of this.questions) {
      const name = questionName(question);
      const whole = answers.get(name);
      const { pick } = question;
      const found =
        pick === undefined ? whole : (whole as Record<string, unknown> | undefined)?.[pick];
      this.check({ ...about, what: `${about.what}, ${name}` }, expected, found);
    }
  }

  /** Compares the events of a transaction that the recount predicts with those that it has. */
  events(expected: readonly Event[], found: readonly Event[], about: About): void {
    const kinds = new Set(
      [...expected, ...found].map(({ contract, eventName }) => `${contract}.${eventName}`),
    );
    for (const kind of kinds) {
      const of = (events: readonly Event[]) =>
        events.filter(({ contract, eventName }) => `${contract}.${eventName}` === kind);
      const [wanted, had] = [of(expected), of(found)];
      for (let index = 0; index < Math.max(wanted.length, had.length); index++) {
        this.#event(kind, wanted[index], had[index], about);
      }
    }
  }

  #count({ what }: About): void {
    this.compared += 1;
    const kind = what.split(/[:,]/)[0]!;
    this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
  }

  #event(kind: string, wanted: Event | undefined, had: Event | undefined, about: About): void {
    const { args } = (wanted ?? had)!;
    const party = args.auditor ?? args.number ?? args.to ?? args.beneficiary ?? partyOfUse(args);
    const named: About = {
      ...about,
      what: kind,
      ...(typeof args.epoch === "number" && { epoch: args.epoch }),
      ...(party !== undefined && { party: plain(party) }),
    };
    if (wanted === undefined || had === undefined) {
      this.differ(
        named,
        wanted ? plain(wanted.args) : "no event",
        had ? plain(had.args) : "no event",
      );
      return;
    }
    for (const [name, value] of Object.entries(wanted.args)) {
      this.check({ ...named, what: `${kind} ${name}` }, value, had.args[name]);
    }
  }
}

/** Whom an event of the Cashier is about. */
function partyOfUse({ tab, payer, service }: Event["args"]): unknown {
  return tab ?? payer ?? service;
}

/** As text: addresses in one case, numbers of any width alike. */
function plain(value: unknown): string {
  if (typeof value === "string")
    return isAddress(value, { strict: false }) ? value.toLowerCase() : value;
  if (Array.isArray(value)) return `[${value.map(plain).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(([name, each]) => `${name} ${plain(each)}`);
    return `{${fields.join(", ")}}`;
  }
  return String(value);
}

/** The address that mints come from and that burned BLOC goes to. */
export const NOBODY: Address = "0x0000000000000000000000000000000000000000";

/** BLOC of every holder; the supply is what the zero address owes. */
export class Ledger {
  readonly balances = new Map<Address, bigint>();
  #moved = new Map<Address, bigint>();

  move(from: Address, to: Address, amount: bigint): void {
    for (const [holder, change] of [
      [from, -amount],
      [to, amount],
    ] as const) {
      this.balances.set(holder, this.balanceOf(holder) + change);
      this.#moved.set(holder, (this.#moved.get(holder) ?? 0n) + change);
    }
  }

  balanceOf(holder: Address): bigint {
    return this.balances.get(holder) ?? 0n;
  }

  /** What each holder has received or paid since the last call, without those that are even. */
  takeMoved(): Map<Address, bigint> {
    const moved = new Map([...this.#moved].filter(([, change]) => change !== 0n));
    this.#moved = new Map();
    return moved;
  }
}
