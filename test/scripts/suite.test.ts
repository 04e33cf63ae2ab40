import { existsSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { root } from "../../scripts/test/process.ts";
import { judge } from "../../scripts/test/report.ts";
import seconds from "../../scripts/test/seconds.json" with { type: "json" };
import { mochaFiles, shards } from "../../scripts/test/shards.ts";
import { steps, type Step } from "../../scripts/test/steps.ts";

const counted: Step = { name: "mocha", lane: "mocha", programs: [], counted: true };
const plain: Step = { name: "types", lane: "compute", programs: [] };
const MOCHA = "\n  12 passing (3s)\n  1 pending\n";

describe("npm test", () => {
  it("runs each mocha file once, the longest first and alone", () => {
    const files = mochaFiles();
    const divided = shards(files, seconds);
    expect(divided.flatMap((shard) => shard.files).sort()).to.deep.equal(files);
    const lengths = divided.map((shard) => shard.seconds);
    expect(lengths).to.deep.equal(lengths.toSorted((a, b) => b - a));
    const small = shards(["a", "b", "long", "c"], { long: 300, a: 2 });
    expect(small.map((shard) => shard.files)).to.deep.equal([["long"], ["a", "b", "c"]]);
  });

  it("knows lengths of files that there are", () => {
    const gone = Object.keys(seconds).filter((file) => !existsSync(path.join(root, file)));
    expect(gone).to.deep.equal([]);
  });

  it("names in a step only steps that come before it in its lane, or stand in another", () => {
    for (const [index, step] of steps.entries()) {
      for (const name of step.after ?? []) {
        const before = steps.findIndex((other) => other.name === name);
        expect(before, `${step.name} after ${name}`).to.be.at.least(0);
        if (steps[before]!.lane === step.lane) expect(before).to.be.below(index);
      }
    }
  });

  it("adds up the tests of a step's programs", () => {
    const failing = { code: 3, output: "  4 passing\n  3 failing\n  1) a story" };
    const verdict = judge(counted, [{ code: 0, output: MOCHA }, failing]);
    expect(verdict).to.include({ passed: 16, failed: 3 });
    expect(verdict.output, "of the one that failed").to.contain("a story");
    expect(verdict.output).not.to.contain("12 passing");
  });

  it("counts a step without tests of its own as one", () => {
    expect(judge(plain, [{ code: 0, output: "" }])).to.include({ passed: 1, failed: 0 });
    expect(judge(plain, [{ code: 2, output: "error" }])).to.include({ passed: 0, failed: 1 });
  });

  it("counts a program that ended badly without a failed test, or well without a test, as failed", () => {
    expect(judge(counted, [{ code: 1, output: MOCHA }])).to.include({ passed: 12, failed: 1 });
    expect(judge(counted, [{ code: 0, output: "  0 passing" }])).to.include({ failed: 1 });
  });
});
