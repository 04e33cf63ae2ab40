import { expect } from "chai";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { toText } from "../../bench/report.ts";
import { outcomeOf, type Results } from "../../bench/start.ts";
import { measureCommands } from "../../bench/start/commands.ts";
import { compiledCommand } from "../../bench/start/compiled.ts";

describe("npm run bench -- start", function () {
  this.timeout(120_000);

  const results: Results = {
    setting: ["as installed"],
    load: 1,
    commands: [
      { line: "bare Node", ms: 40, vsNode: 1, peakMiB: 42 },
      { line: "--help", ms: 80, vsNode: 2, peakMiB: 50 },
    ],
    workers: [
      { kind: "provider", processes: [149, 150, 170], median: 150 },
      { kind: "auditor", processes: [181], median: 181 },
      { kind: "services", processes: [200], median: 200 },
    ],
  };

  it("judges the help against bare Node, and the memory of provider, auditor and ten services", () => {
    const { targets } = outcomeOf(results);
    expect(targets.map(({ name, value, ok }) => [name, value, ok])).to.deep.equal([
      ["helpVsNode", 2, true],
      ["providerRssMiB", 150, true],
      ["auditorRssMiB", 181, false],
      ["tenServicesRssMiB", 200, true],
    ]);
  });

  it("misses a target that was not measured", () => {
    const { targets } = outcomeOf({ ...results, commands: [], workers: [] });
    expect(targets.map(({ ok }) => ok)).to.deep.equal([false, false, false, false]);
  });

  it("shows each process of a kind of worker", () => {
    expect(toText(outcomeOf(results))).to.match(/^provider +150 +149 150 170$/m);
  });

  it("starts the compiled command, which is complete without the sources", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "bench-start-"));
    try {
      const command = await compiledCommand(path.join(folder, "package"));
      const starts = await measureCommands(command, { folder, rounds: 1, peaks: 1 });
      expect(starts[0]).to.include({ line: "bare Node", vsNode: 1 });
      expect(starts.map(({ line }) => line)).to.include("provider run --help");
      for (const { line, ms, peakMiB } of starts) {
        expect(ms, line).to.be.above(0);
        expect(peakMiB, line).to.be.above(1);
      }
      const nowhere = path.join(folder, "nowhere");
      const failed = await measureCommands(nowhere, { folder, rounds: 1, peaks: 1 }).catch(
        (error: unknown) => error,
      );
      expect(failed).to.be.instanceOf(Error);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
