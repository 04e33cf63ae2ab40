import { expect } from "chai";
import { readFileSync } from "node:fs";
import path from "node:path";
import * as z from "zod";
import { metricsIn, queryFaults } from "../support/queryFaults.ts";
import { workerMetrics } from "../support/workerMetrics.ts";

const place = z
  .object({
    h: z.number().int().min(1),
    w: z.number().int().min(1).max(24),
    x: z.number().int().min(0).max(23),
    y: z.number().int().min(0),
  })
  .strict();
const row = z.object({
  id: z.number().int(),
  type: z.literal("row"),
  title: z.string().min(1),
  gridPos: place,
});
const panel = z.object({
  id: z.number().int(),
  type: z.enum(["timeseries", "stat"]),
  title: z.string().min(1),
  description: z.string().min(1),
  gridPos: place,
  datasource: z.object({ type: z.literal("prometheus"), uid: z.literal("${datasource}") }),
  fieldConfig: z.object({
    // Units that Grafana knows, or one written out.
    defaults: z.object({
      unit: z.enum(["none", "s", "reqps", "bytes"]).or(z.string().regex(/^suffix: \w+$/)),
    }),
  }),
  targets: z
    .array(
      z.object({ refId: z.string(), expr: z.string().min(1), legendFormat: z.string().min(1) }),
    )
    .min(1),
});
const dashboard = z.object({
  uid: z.literal("blockcloud"),
  title: z.string(),
  schemaVersion: z.number().int(),
  templating: z.object({
    list: z.array(z.object({ name: z.string(), type: z.enum(["datasource", "query"]) })),
  }),
  panels: z.array(z.discriminatedUnion("type", [row, panel])),
});

describe("ops/grafana/blockcloud.json", () => {
  const file = path.join(import.meta.dirname, "../../ops/grafana/blockcloud.json");
  const { panels, templating } = dashboard.parse(JSON.parse(readFileSync(file, "utf8")));
  const drawn = panels.filter((each) => each.type !== "row");
  /** As Prometheus gets it: Grafana fills in its variables. */
  const filled = (expr: string) =>
    expr.replaceAll("$__rate_interval", "5m").replaceAll(/\$(job|instance)\b/g, "x");

  it("has panels with IDs and titles of their own", () => {
    expect(drawn.length).to.be.above(20);
    expect(new Set(panels.map(({ id }) => id)).size).to.equal(panels.length);
    expect(new Set(drawn.map(({ title }) => title)).size).to.equal(drawn.length);
  });

  it("lets no panel lie on another", () => {
    const taken = new Map<string, string>();
    for (const { title, gridPos } of panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        expect(x, title).to.be.below(24);
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.get(`${x}/${y}`), `${title} at ${x}/${y}`).to.equal(undefined);
          taken.set(`${x}/${y}`, title);
        }
      }
    }
  });

  it("uses the variables that it declares", () => {
    const declared = templating.list.map(({ name }) => name);
    const used = drawn.flatMap(({ targets }) =>
      targets.flatMap(({ expr }) => [...expr.matchAll(/\$([a-z]\w*)/g)].map(([, name]) => name)),
    );
    for (const name of used) expect(declared).to.include(name);
  });

  it("shows every metric of the workers", () => {
    const shown = new Set(
      drawn.flatMap(({ targets }) => targets.flatMap(({ expr }) => metricsIn(filled(expr)))),
    );
    expect([...workerMetrics().keys()].filter((name) => !shown.has(name))).to.deep.equal([]);
  });

  for (const { title, targets } of drawn) {
    it(`${title}: asks for metrics and labels that there are`, () => {
      for (const { expr, legendFormat } of targets) {
        expect(queryFaults(filled(expr)), expr).to.deep.equal([]);
        const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label ?? "");
        const grouped = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(", ");
        if (grouped) expect(grouped, legendFormat).to.include.members(named);
      }
    });
  }
});
