import { expect } from "chai";
import fc from "fast-check";
import type { Hex } from "viem";
import { formatPrefix, parsePrefix } from "../../../src/resolver/table/prefix.ts";
import type { Action } from "../../../src/resolver/table/rule.ts";
import { ServiceTable, type NumberedRule } from "../../../src/resolver/table/serviceTable.ts";
import { expectCode } from "../../support/expectCode.ts";

const id = (digits: string): Hex => `0x${digits.padEnd(64, "0")}`;
const forward = (name: string): Action => ({ kind: "endpoints", endpoints: [`tcp://${name}:1`] });
const rule = (number: number, prefix: string, action: Action, rest = {}): NumberedRule => ({
  ...{ id: number, prefix: parsePrefix(prefix), action, priority: 0, weight: 1 },
  ...rest,
});

/** A table whose draws a test chooses. */
function table(draw = () => 0) {
  return new ServiceTable(draw);
}

describe("the service table", () => {
  it("delays all lookups while there is no rule", () => {
    const empty = table();
    expect(empty.match(id("07")).rule).to.deep.include({ id: 0, action: { kind: "delay" } });
    empty.add(rule(1, "default", { kind: "drop" }));
    expect(empty.match(id("07")).rule.id).to.equal(1);
    expect(empty.rules().map((each) => each.id)).to.deep.equal([1]);
    empty.remove(1);
    expect(empty.match(id("07")).rule.id).to.equal(0);
  });

  it("takes the longest prefix, then the lowest priority number", () => {
    const rules = table();
    rules.add(rule(1, "0x07", { kind: "drop" }));
    rules.add(rule(2, "0x0700", forward("spare"), { priority: 1 }));
    rules.add(rule(3, "0x0700", forward("first")));
    expect(rules.match(id("0701")).rule.id).to.equal(1);
    expect(rules.match(id("0700")).rule.id).to.equal(3);
    rules.remove(3);
    expect(rules.match(id("0700")).rule.id).to.equal(2);
    rules.remove(2);
    expect(rules.match(id("0700")).rule.id).to.equal(1);
  });

  it("draws by weight in the top set, exactly", () => {
    let drawn = 0;
    const rules = table(() => drawn);
    rules.add(rule(1, "0x07", forward("a"), { weight: 1 }));
    rules.add(rule(2, "0x07", forward("b"), { weight: 3 }));
    rules.add(rule(3, "0x07", forward("c"), { weight: 0 }));
    rules.add(rule(4, "0x07", forward("d"), { weight: 9, priority: 5 }));
    const counted = new Map<number, number>();
    for (let index = 0; index < 400; index += 1) {
      drawn = index / 400;
      const { rule: chosen, only } = rules.match(id("07"));
      counted.set(chosen.id, (counted.get(chosen.id) ?? 0) + 1);
      expect(only).to.equal(false);
    }
    expect(Object.fromEntries(counted)).to.deep.equal({ 1: 100, 2: 300 });
  });

  it("bears nothing beside DELAY and DROP at a prefix, and names both", () => {
    for (const kind of ["delay", "drop"] as const) {
      const rules = table();
      rules.add(rule(1, "0x07", forward("a")));
      const error = expectCode("RULE_EXCLUSIVE", () => {
        rules.add(rule(2, "0x07", { kind }));
      });
      expect(error.message).to.contain("FORWARD").and.to.contain(kind.toUpperCase());
      expect(error.remedy).to.contain("blockcloud table remove 1");
      rules.add(rule(3, "0x0700", { kind }));
      expectCode("RULE_EXCLUSIVE", () => {
        rules.add(rule(4, "0x0700", forward("b")));
      });
      expectCode("RULE_EXCLUSIVE", () => {
        rules.add(rule(5, "0x0700", { kind }));
      });
      expect(rules.size).to.equal(2);
    }
  });

  it("keeps the old rules when new ones cannot be, and the counts of those that stay", () => {
    const rules = table();
    rules.load([rule(1, "0x07", forward("a")), rule(2, "0x08", forward("b"))]);
    rules.match(id("07")).rule.matches += 5;
    const { version } = rules;
    expectCode("RULE_EXCLUSIVE", () => {
      rules.load([rule(3, "0x07", { kind: "drop" }), rule(4, "0x07", { kind: "drop" })]);
    });
    expect(rules.version).to.equal(version);
    expect(rules.match(id("07")).rule.id).to.equal(1);
    rules.load([rule(1, "0x07", forward("a")), rule(9, "0x0701", { kind: "drop" })]);
    expect(rules.version).to.not.equal(version);
    expect(rules.match(id("07")).rule.matches).to.equal(5);
    expect(rules.match(id("0701")).rule.id).to.equal(9);
    expect(rules.match(id("08")).rule.id).to.equal(0);
  });

  it("decides like a plain list of rules, whatever is added and removed", () => {
    const prefix = fc.constantFrom("default", "0x0", "0x00", "0x07", "0x070", "0x0700", "0x08/5");
    const action = fc.constantFrom<Action>({ kind: "delay" }, { kind: "drop" }, forward("a"));
    const spec = fc.record({
      ...{ prefix, action: fc.oneof({ weight: 4, arbitrary: fc.constant(forward("b")) }, action) },
      priority: fc.integer({ min: 0, max: 2 }),
      weight: fc.integer({ min: 0, max: 3 }),
      removes: fc.option(fc.nat(20), { freq: 3 }),
      draw: fc.double({ min: 0, max: 0.999999, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(spec, { maxLength: 40 }), (steps) => {
        let draw = 0;
        const fast = table(() => draw);
        let plain: NumberedRule[] = [];
        steps.forEach((step, index) => {
          ({ draw } = step);
          if (step.removes !== null) {
            const known = plain.some((one) => one.id === step.removes);
            expect(fast.remove(step.removes)).to.equal(known);
            plain = plain.filter((one) => one.id !== step.removes);
          } else {
            const added = rule(index, step.prefix, step.action, {
              priority: step.priority,
              weight: step.weight,
            });
            const isTaken = refuses(plain, added);
            if (isTaken)
              expectCode("RULE_EXCLUSIVE", () => {
                fast.add(added);
              });
            else fast.add(added);
            if (!isTaken) plain.push(added);
          }
          for (const asked of [id("0700"), id("0701"), id("08"), id("f")]) {
            expect(fast.match(asked).rule.id).to.equal(choose(plain, asked, draw));
          }
        });
      }),
      { numRuns: 300 },
    );
  });
});

function refuses(rules: readonly NumberedRule[], added: NumberedRule): boolean {
  const alone = ({ action }: NumberedRule) => action.kind === "delay" || action.kind === "drop";
  const beside = rules.filter((one) => formatPrefix(one.prefix) === formatPrefix(added.prefix));
  return beside.some((one) => alone(one) || alone(added));
}

/** The number of the rule that counts, by going through all of them. */
function choose(rules: readonly NumberedRule[], asked: Hex, draw: number): number {
  const bits = (hex: Hex) => BigInt(hex).toString(2).padStart(256, "0");
  const fitting = rules.filter(({ prefix }) =>
    bits(asked).startsWith(bits(prefix.bits).slice(0, prefix.length)),
  );
  const longest = Math.max(...fitting.map(({ prefix }) => prefix.length));
  const set = fitting.filter(({ prefix }) => prefix.length === longest);
  const least = Math.min(...set.map(({ priority }) => priority));
  const top = set.filter(({ priority }) => priority === least).sort((a, b) => a.id - b.id);
  const total = top.reduce((sum, { weight }) => sum + weight, 0);
  const shares = top.map(({ weight }) => (total === 0 ? 1 : weight));
  let left = draw * (total === 0 ? top.length : total);
  for (const [place, share] of shares.entries()) {
    left -= share;
    if (left < 0) return top[place]!.id;
  }
  return top.at(-1)?.id ?? 0;
}
