import { expect } from "chai";
import fc from "fast-check";
import {
  drawOrder,
  drawPlace,
  drawPriorities,
  ORDERS,
  spreadOrders,
} from "../../src/resolver/order.ts";

const items = fc.array(
  fc.record({
    priority: fc.integer({ min: 0, max: 2 }),
    weight: fc.integer({ min: 0, max: 5 }),
    name: fc.integer(),
  }),
  { minLength: 1, maxLength: 8 },
);
const draws = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("orders by weight", () => {
  it("draw each item as often as its weight says, and none of weight 0 beside others", () => {
    const weighted = [{ weight: 1 }, { weight: 0 }, { weight: 3 }];
    const counted = [0, 0, 0];
    for (let index = 0; index < 4000; index += 1) {
      const place = drawPlace(weighted, () => index / 4000);
      counted[place] = (counted[place] ?? 0) + 1;
    }
    expect(counted).to.deep.equal([1000, 0, 3000]);
  });

  it("draw evenly where all weights are 0, and nothing from nothing", () => {
    const zeros = [{ weight: 0 }, { weight: 0 }];
    expect([0, 0.49, 0.5, 0.99].map((draw) => drawPlace(zeros, () => draw))).to.deep.equal([
      0, 0, 1, 1,
    ]);
    expect(drawPlace([], () => 0.5)).to.equal(-1);
  });

  it("have each item once, those of a lower priority number first", () => {
    fc.assert(
      fc.property(items, fc.infiniteStream(draws), (given, stream) => {
        const random = () => stream.next().value as number;
        for (const order of [drawPriorities(given, random), ...spreadOrders(given, random)]) {
          expect(order).to.have.length(given.length);
          expect(given.every((item) => order.includes(item))).to.equal(true);
          const priorities = order.map(({ priority }) => priority);
          expect(priorities).to.deep.equal([...priorities].sort());
        }
        expect(new Set(drawOrder(given, random)).size).to.equal(given.length);
      }),
    );
  });

  it("share the first place out by weight, to the nearest that the orders allow", () => {
    fc.assert(
      fc.property(items, fc.infiniteStream(draws), (given, stream) => {
        const orders = spreadOrders(given, () => stream.next().value as number);
        expect(orders).to.have.length(ORDERS);
        const least = Math.min(...given.map(({ priority }) => priority));
        const first = given.filter(({ priority }) => priority === least);
        const total = first.reduce((sum, { weight }) => sum + weight, 0);
        for (const item of first) {
          const share = (ORDERS * (total === 0 ? 1 : item.weight)) / (total || first.length);
          const times = orders.filter(([head]) => head === item).length;
          // Where a share is a whole number, rounding may give one of it to a neighbour.
          expect(Math.abs(times - share)).to.be.at.most(1 + 1e-9);
        }
      }),
    );
  });
});
