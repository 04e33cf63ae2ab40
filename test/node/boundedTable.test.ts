import { expect } from "chai";
import { boundedTable } from "../../src/node/boundedTable.ts";

describe("boundedTable", () => {
  it("forgets the entry that was used least recently", () => {
    const table = boundedTable<string, number>(2);
    table.set("a", 1).set("b", 2);
    expect(table.get("a")).to.equal(1);
    table.set("c", 3);
    expect([...table.keys()].sort()).to.deep.equal(["a", "c"]);
    expect(table.size).to.equal(2);
  });

  it("does not count an entry that replaces another one", () => {
    const table = boundedTable<bigint, object>(2);
    for (let round = 0; round < 5; round++) table.set(1n, {}).set(2n, {});
    expect([...table.keys()].sort()).to.deep.equal([1n, 2n]);
    table.delete(1n);
    table.set(3n, {});
    expect([...table.keys()].sort()).to.deep.equal([2n, 3n]);
  });
});
