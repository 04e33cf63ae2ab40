import type { Hex } from "viem";
import { drawPlace, type Random } from "../order.ts";
import { everything, formatPrefix, type Prefix } from "./prefix.ts";
import { PrefixTrie } from "./prefixTrie.ts";
import { checkExclusive, type Rule, type RuleSpec } from "./rule.ts";

/** A rule with its number, as a table loads it. */
export type NumberedRule = RuleSpec & { readonly id: number };

/** The rules at one prefix. */
interface RuleSet {
  readonly prefix: Prefix;
  /** By priority and number. */
  rules: Rule[];
  /** The rules with the lowest priority number. */
  top: Rule[];
}

/**
 * The service table (Nordström et al., "Serval", NSDI 2012, section 4.2): rules by prefix of the service ID.
 * A lookup takes the longest prefix with rules, in it the rules of the lowest priority number, and of those
 * one by weight. Without a rule for all IDs, the default is DELAY: lookups are resolved on demand.
 */
export class ServiceTable {
  readonly #random: Random;
  #trie = new PrefixTrie<RuleSet>();
  #byId = new Map<number, Rule>();
  readonly #default: Rule = {
    ...{ id: 0, prefix: everything, action: { kind: "delay" }, priority: 0, weight: 1 },
    ...{ matches: 0, drops: 0 },
  };
  #version = 0;

  /** @param random Draws between rules of one priority. */
  constructor(random: Random) {
    this.#random = random;
  }

  /** Changes with each update, so that earlier decisions can be recognised as outdated. */
  get version(): number {
    return this.#version;
  }

  /** Number of rules, without the default. */
  get size(): number {
    return this.#byId.size;
  }

  /** The rule for a service ID, and whether it is the only candidate; does not count the lookup. */
  match(serviceId: Hex): { rule: Rule; only: boolean } {
    const top = this.#trie.match(serviceId)?.top;
    if (top === undefined) return { rule: this.#default, only: true };
    const place = top.length === 1 ? 0 : drawPlace(top, this.#random);
    return { rule: top[place] ?? this.#default, only: top.length === 1 };
  }

  /**
   * Adds a rule.
   *
   * @throws BlockcloudError `RULE_EXCLUSIVE`; the table is unchanged.
   */
  add(spec: NumberedRule): void {
    this.#put({ ...spec, matches: 0, drops: 0 });
    this.#version += 1;
  }

  /** Removes a rule by its number. Returns whether there was one. */
  remove(id: number): boolean {
    const rule = this.#byId.get(id);
    if (rule === undefined) return false;
    this.#byId.delete(id);
    this.#version += 1;
    const rules = this.#trie.get(rule.prefix)?.rules.filter((other) => other !== rule) ?? [];
    if (rules.length === 0) this.#trie.delete(rule.prefix);
    else this.#trie.set(rule.prefix, ruleSet(rule.prefix, rules));
    return true;
  }

  /**
   * Replaces all rules; rules that stay keep their counters.
   *
   * @throws BlockcloudError `RULE_EXCLUSIVE`; the table is unchanged.
   */
  load(specs: Iterable<NumberedRule>): void {
    const [trie, byId] = [this.#trie, this.#byId];
    this.#trie = new PrefixTrie();
    this.#byId = new Map();
    try {
      for (const spec of specs) {
        const { matches = 0, drops = 0 } = byId.get(spec.id) ?? {};
        this.#put({ ...spec, matches, drops });
      }
    } catch (error) {
      [this.#trie, this.#byId] = [trie, byId];
      throw error;
    }
    this.#version += 1;
  }

  /** All rules, by number; the default rule is the first, unless another one is set for all IDs. */
  rules(): Rule[] {
    const set = [...this.#byId.values()].sort((a, b) => a.id - b.id);
    return this.#trie.get(everything) === undefined ? [this.#default, ...set] : set;
  }

  /** All rules with the default rule, in no order. */
  *counted(): Iterable<Rule> {
    yield this.#default;
    yield* this.#byId.values();
  }

  #put(rule: Rule): void {
    const others = this.#trie.get(rule.prefix)?.rules ?? [];
    checkExclusive(rule, others);
    if (this.#byId.has(rule.id)) throw new Error(`rule ${rule.id} of ${formatPrefix(rule.prefix)}`);
    this.#trie.set(rule.prefix, ruleSet(rule.prefix, [...others, rule]));
    this.#byId.set(rule.id, rule);
  }
}

function ruleSet(prefix: Prefix, unsorted: readonly Rule[]): RuleSet {
  const rules = [...unsorted].sort((a, b) => a.priority - b.priority || a.id - b.id);
  return { prefix, rules, top: rules.filter(({ priority }) => priority === rules[0]?.priority) };
}
