import { expect } from "chai";
import { Bag, type Place } from "../../src/node/bag.ts";

describe("Bag", () => {
  it("holds what was added and not removed, in whatever order that happens", () => {
    const bag = new Bag<number>();
    const places = new Map<number, Place<number>>();
    let random = 7;
    for (let step = 0; step < 5_000; step++) {
      random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
      const item = random % 50;
      const place = places.get(item);
      if (place === undefined) places.set(item, bag.add(item));
      else {
        bag.remove(place);
        places.delete(item);
      }
      expect(bag.size).to.equal(places.size);
    }
    expect([...bag].sort()).to.deep.equal([...places.keys()].sort());
  });

  it("removes a thing once, and no other in its place", () => {
    const bag = new Bag<string>();
    const [first, second] = [bag.add("first"), bag.add("second")];
    bag.remove(first);
    bag.remove(first);
    expect([...bag]).to.deep.equal(["second"]);
    bag.remove(second);
    bag.remove(second);
    expect([bag.size, ...bag]).to.deep.equal([0]);
  });
});
