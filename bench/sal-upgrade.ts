import type { Outcome } from "./report.ts";
import { measureUpgrades, upgradesTable, upgradeTargets } from "./sal/upgrade.ts";

/** The benchmark `sal` without its other parts, for work on direct paths. */
export async function run(say: (message: string) => void): Promise<Outcome> {
  const upgrades = await measureUpgrades({ cones: 100, others: 20 }, say);
  return {
    results: { ...upgrades },
    tables: [upgradesTable(upgrades)],
    targets: upgradeTargets(upgrades),
  };
}
