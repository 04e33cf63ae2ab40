import { expect } from "chai";
import { readFileSync } from "node:fs";
import path from "node:path";
import { workerMetrics } from "../support/workerMetrics.ts";

describe("docs/monitoring.md", () => {
  const page = path.join(import.meta.dirname, "../../docs/monitoring.md");
  const listed = readFileSync(page, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| `blockcloud_"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

  it("lists every metric of the workers as their code declares it, and no other", () => {
    const declared = [...workerMetrics().values()].map(({ name, type, labels, help }) => [
      `\`${name}\``,
      type,
      Object.keys(labels)
        .map((label) => `\`${label}\``)
        .join(", "),
      help,
    ]);
    expect(declared.length).to.be.above(40);
    const sorted = (rows: string[][]) => rows.map((row) => row.join(" | ")).sort();
    expect(sorted(listed)).to.deep.equal(sorted(declared));
  });

  it("names metrics as Prometheus wants it: the unit last, _total for counters alone", () => {
    const unit =
      /_(seconds|bloc|wei|epoch|block|gas|age|open|running|status|up|info|peers|records|names|entries|left|mappings|missing|reservations|visitors|handshakes|bytes)$/;
    for (const { name, type } of workerMetrics().values()) {
      expect(name).to.match(/^blockcloud_[a-z]+(_[a-z]+)+$/);
      expect(name.endsWith("_total"), name).to.equal(type === "counter");
      if (type !== "counter") expect(name).to.match(unit);
    }
  });
});
