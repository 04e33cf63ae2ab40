import { expect } from "chai";
import { contractErrors, remedies, unreachableErrors } from "../../src/cli/framework/remedies.ts";

const names = contractErrors.flatMap((item) => (item.type === "error" ? [item.name] : []));

describe("remedies", () => {
  it("say what to do about every error of the contracts, or why none is met", () => {
    const untold = names.filter((name) => !(name in remedies) && !unreachableErrors.has(name));
    expect(untold).to.deep.equal([]);
  });

  it("are about errors that exist, each once", () => {
    const known = new Set<string>(names);
    // The registry's transfers bring OpenZeppelin's.
    const gone = [...Object.keys(remedies), ...unreachableErrors].filter(
      (name) => !known.has(name),
    );
    expect(gone).to.deep.equal([]);
    expect(Object.keys(remedies).filter((name) => unreachableErrors.has(name))).to.deep.equal([]);
  });

  it("are sentences", () => {
    for (const [name, text] of Object.entries(remedies)) expect(text, name).to.match(/^[A-Z].*\.$/);
  });
});
