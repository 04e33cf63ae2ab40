import { expect } from "chai";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { atLeast, atMost, toJson, toText } from "../../bench/report.ts";

const root = path.join(import.meta.dirname, "../..");

function bench(...args: string[]) {
  return spawnSync(process.execPath, ["bench/main.ts", ...args], { cwd: root, encoding: "utf8" });
}

describe("npm run bench", () => {
  it("--help lists the benchmarks, by an example", () => {
    const { status, stdout } = bench("--help");
    expect(status).to.equal(0);
    expect(stdout).to.match(/Examples:\n {2}npm run bench -- gas\n/);
  });

  for (const args of [["nothing"], ["constructor"], ["gas", "--fast"], []]) {
    it(`lists the benchmarks and fails for "${args.join(" ")}"`, () => {
      const { status, stdout, stderr } = bench(...args);
      expect({ status, stdout }).to.deep.equal({ status: 2, stdout: "" });
      expect(stderr).to.match(/\n {2}gas {2,}\S/);
    });
  }
});

describe("a benchmark's report", () => {
  const outcome = {
    results: { figures: [1, 2] },
    tables: [{ title: "Figures", columns: ["name", "gas"], rows: [["tick", 157_994]] }],
    targets: [
      atMost("cost", 1400, "gas", 1400),
      atMost("growth", 1, "slots", 0),
      atLeast("rate", 2, "a second", 3),
    ],
  };

  it("judges targets by their direction, the bound included", () => {
    expect(outcome.targets.map(({ ok }) => ok)).to.deep.equal([true, false, false]);
  });

  it("is one line of JSON with machine, results and targets", () => {
    const line = toJson("gas", outcome);
    expect(line).not.to.contain("\n");
    const { bench: name, machine, results, targets } = JSON.parse(line) as Record<string, object>;
    expect(name).to.equal("gas");
    expect(machine).to.have.keys("cpu", "cores", "memoryGiB", "node");
    expect(results).to.deep.equal(outcome.results);
    expect(targets).to.deep.equal(outcome.targets);
  });

  it("shows people the tables and which targets were missed", () => {
    const text = toText(outcome);
    expect(text).to.match(/^tick +157,994$/m);
    expect(text).to.match(/^cost +1,400 +<= 1,400 +gas +ok$/m);
    expect(text).to.match(/^growth +1 +<= 0 +slots +MISSED$/m);
  });
});
