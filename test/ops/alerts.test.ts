import { expect } from "chai";
import { readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import * as z from "zod";
import { parseEther, parseGwei } from "viem";
import { ENOUGH_ROUNDS, GAS_PER_ROUND, LOW_ROUNDS, roundsLeft } from "../../src/chain/runway.ts";
import { queryFaults } from "../support/queryFaults.ts";

const duration = z.string().regex(/^(\d+(ms|[smhdwy]))+$/);
const name = z.string().regex(/^[a-zA-Z_]\w*$/);
/** A rule file, by Prometheus' documentation; only alerts here, and each says what to do. */
const ruleFile = z
  .object({
    groups: z.array(
      z
        .object({
          name: z.string().min(1),
          interval: duration.optional(),
          rules: z
            .array(
              z
                .object({
                  alert: name,
                  expr: z.string().min(1),
                  for: duration.optional(),
                  keep_firing_for: duration.optional(),
                  labels: z
                    .record(name, z.string())
                    .and(z.object({ severity: z.enum(["critical", "warning"]) })),
                  annotations: z
                    .object({ summary: z.string().min(10), action: z.string().min(10) })
                    .strict(),
                })
                .strict(),
            )
            .min(1),
        })
        .strict(),
    ),
  })
  .strict();

describe("ops/prometheus/alerts.yml", () => {
  const file = path.join(import.meta.dirname, "../../ops/prometheus/alerts.yml");
  const { groups } = ruleFile.parse(parse(readFileSync(file, "utf8")));
  const rules = groups.flatMap((group) => group.rules);

  it("has groups and alerts of different names", () => {
    const names = [...groups.map((group) => group.name), ...rules.map(({ alert }) => alert)];
    expect(names.length).to.be.above(10);
    expect(new Set(names).size).to.equal(names.length);
  });

  for (const page of ["operations", "monitoring"]) {
    it(`docs/${page}.md: alerts named exist`, () => {
      const text = readFileSync(path.join(import.meta.dirname, `../../docs/${page}.md`), "utf8");
      const named = [...text.matchAll(/`(Blockcloud[A-Z]\w+)`/g)].map(([, alert]) => alert ?? "");
      expect(named).not.to.have.length(0);
      const known = new Set(rules.map(({ alert }) => alert));
      expect(named.filter((each) => !known.has(each))).to.deep.equal([]);
    });
  }

  it("asks for ether where blockcloud doctor does no more: below what it demands before a start", () => {
    const low = rules.find(({ alert }) => alert === "BlockcloudWalletLow");
    expect(low?.expr).to.equal(`blockcloud_wallet_rounds_left < ${LOW_ROUNDS}`);
    expect(LOW_ROUNDS < ENOUGH_ROUNDS).to.equal(true);
    // The walk-through's ether, at a gwei: the deployment's own estimate of Sepolia.
    const page = readFileSync(path.join(import.meta.dirname, "../../docs/operations.md"), "utf8");
    for (const [role, worker] of [
      ["wallet", "provider"],
      ["operator", "auditor"],
    ] as const) {
      const [, ether = ""] =
        new RegExp(
          `--ether ([\\d.]+) \\\\\n  --to \\$\\(bin/blockcloud key address keys/${role}`,
        ).exec(page) ?? [];
      const rounds = roundsLeft(parseEther(ether), parseGwei("1"), GAS_PER_ROUND[worker]);
      expect(Number(rounds), role).to.be.at.least(Number(ENOUGH_ROUNDS));
    }
  });

  for (const { alert, expr, annotations } of rules) {
    describe(alert, () => {
      it("asks for metrics and labels that there are", () => {
        expect(queryFaults(expr)).to.deep.equal([]);
      });

      it("closes what it opens in its texts", () => {
        for (const text of Object.values(annotations)) {
          const left = text.replaceAll(/\{\{ (\$labels\.\w+|\$value( \| humanize\w*)?) \}\}/g, "");
          expect(left).not.to.match(/[{}]/);
        }
      });
    });
  }
});
